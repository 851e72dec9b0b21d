"""What makes two runs the same: equal inputs, options and versions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

FREE = ("workers", "time_limit_s")
"""Options that say how fast an answer comes, not what is asked."""


def identity(case_hash: str, data_hash: str, options: Mapping[str, Any], versions: Mapping[str, Any], job: str) -> str:
    """Digest of everything that a complete run follows from.

    Args:
        case_hash: of the case's own files.
        data_hash: of the shared tables it stands on.
        options: as recorded in ``run.json``; how many workers and how long do not count.
        versions: of the program and its libraries.
        job: ``solve``, ``frontier`` or ``run``.
    """
    asked = {name: value for name, value in options.items() if name not in FREE}
    content = json.dumps([case_hash, data_hash, asked, dict(versions), job], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()


def identity_of(manifest: Mapping[str, Any]) -> str:
    """The same of a finished run, from its ``run.json``."""
    parts = (manifest.get(name) or {} for name in ("options", "versions"))
    options, versions = parts
    job = str(manifest.get("job", ""))
    return identity(str(manifest.get("case_hash")), str(manifest.get("data_hash")), options, versions, job)
