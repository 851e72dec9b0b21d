"""The environment that started processes get, and that it is as before afterwards."""

import contextlib
import os

import pytest

from optimizer.solve.shield import shielded


@pytest.mark.parametrize("before", [None, "1", ""])
def test_the_environment_is_as_before_afterwards(monkeypatch, before):
    if before is None:
        monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    else:
        monkeypatch.setenv("PYTHONSAFEPATH", before)
    with contextlib.suppress(ValueError), shielded():
        inside = os.environ["PYTHONSAFEPATH"]
        raise ValueError
    assert inside == "1"
    assert os.environ.get("PYTHONSAFEPATH") == before
