"""Files a run keeps beside its tables, JSON records and arrays: read back only if they are what a run writes.

Records are not sealed, because people may add to them. So everything that a later command uses of one is held to its
kind here, and a damaged one is told with its place instead of ending a command in the middle.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numpy.lib.npyio import NpzFile

from optimizer.errors import DataProblem, Problem

if TYPE_CHECKING:
    from pydantic import BaseModel

BACK = "bring the run back from a copy, or make it again"
BROKEN = (OSError, ValueError, KeyError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)
"""What NumPy and the archive around its arrays raise at content that is damaged anywhere."""


def read_manifest(run: Path) -> dict[str, Any]:
    """Content of a run's ``run.json``.

    Raises:
        DataProblem: if there is none (R001), or it is damaged (R002).
    """
    from optimizer.results.record_kinds import RunKinds

    if not (run / "run.json").is_file():
        remedy = "name a finished run folder, runs/<case>/<run-id>"
        raise DataProblem(
            [Problem("R001", str(run), found="it has no run.json", allowed="a finished run", remedy=remedy)]
        )
    return read_record(run / "run.json", RunKinds)


def read_audit(run: Path) -> dict[str, Any]:
    """Content of a run's ``audit.json``; empty if the run was not audited.

    Raises:
        DataProblem: if it is damaged (R002).
    """
    from optimizer.results.record_kinds import AuditKinds

    path = run / "audit.json"
    return read_record(path, AuditKinds) if path.exists() else {}


def failed_checks(run: Path) -> list[str]:
    """Checks of the audit that the plans of a run do not pass; such a run is no answer to anything.

    Raises:
        DataProblem: if the audit's record is damaged (R002).
    """
    audit = read_audit(run)
    if not audit or audit["passed"]:
        return []
    return [str(check["name"]) for check in audit.get("checks", ()) if not check.get("passed")] or ["audit"]


def read_record(path: Path, kinds: type[BaseModel], remedy: str = BACK) -> dict[str, Any]:
    """A record that a run keeps as JSON, as it stands there.

    Args:
        path: the file.
        kinds: what its entries must be.
        remedy: what to do if it is damaged.

    Raises:
        DataProblem: everything that is wrong with it, together (R002).
    """
    from pydantic import ValidationError

    try:
        if not path.is_file():
            raise ValueError("no ordinary file")
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record, dict):
            raise ValueError(f"`{str(record)[:60]}`")
    except (OSError, ValueError, RecursionError) as error:
        allowed = "JSON as written by a run"
        raise DataProblem([Problem("R002", str(path), found=str(error), allowed=allowed, remedy=remedy)]) from error
    try:
        kinds.model_validate(record)
    except ValidationError as error:
        raise DataProblem([_problem(path, dict(fault), remedy) for fault in error.errors()]) from error
    return record


def _problem(path: Path, fault: dict[str, Any], remedy: str) -> Problem:
    """A fault of pydantic's in the words of this package."""
    is_missing = fault["type"] == "missing"
    found = "no such entry" if is_missing else f"`{str(fault['input'])[:60]}`"
    told = "an entry" if is_missing else fault["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return Problem("R002", str(path), "", ".".join(map(str, fault["loc"])), found, told, remedy)


def read_arrays(path: Path, code: str = "R002", remedy: str = BACK) -> dict[str, npt.NDArray[Any]]:
    """Arrays that a run keeps; never an object of Python, and no code is loaded.

    Args:
        path: an archive of NumPy's.
        code: of the problem if it is damaged.
        remedy: what to do then.

    Raises:
        DataProblem: if it is missing or damaged.
    """
    try:
        if not path.is_file():
            raise ValueError("no ordinary file")
        with path.open("rb") as file:
            stored = np.load(file, allow_pickle=False)
            if not isinstance(stored, NpzFile):
                raise ValueError("no archive of arrays")
            return {name: stored[name] for name in stored.files}
    except BROKEN as error:
        found = f"{type(error).__name__}: {' '.join(str(error).split())[:100]}"
        allowed = "arrays as written by a run"
        raise DataProblem([Problem(code, str(path), found=found, allowed=allowed, remedy=remedy)]) from error
