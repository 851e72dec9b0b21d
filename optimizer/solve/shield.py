"""Python processes that do not run files which happen to lie where they start."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_SAFE_PATH = "PYTHONSAFEPATH"


@contextmanager
def shielded() -> Iterator[None]:
    """Python processes started inside do not look for modules in the folder they start in.

    A new process would import its first modules from there, before it is told where its parent has them from; a file
    beside a case, named like one of them, would be run. (Python's documentation, environment variable PYTHONSAFEPATH.)
    """
    usual = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        if usual is None:
            os.environ.pop(_SAFE_PATH, None)
        else:
            os.environ[_SAFE_PATH] = usual
