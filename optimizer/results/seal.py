"""The seal of a run: size and SHA-256 of every file that later commands read, so that a damaged run is told as one.

A run whose tables were cut short, changed or mixed with those of another run would otherwise give a report that is
wrong without a word, or end a command in the middle. The seal proves no origin: whoever can change a table can seal it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from optimizer.errors import DataProblem, Problem

SEAL = "seal.json"
READ = ("*.parquet", "plans.npz", "inputs/*.parquet", "case/**/*")
"""Files that later commands read, of a run or of a part of one (``stress``, ``explain``). Records (``run.json``) are
not among them: people may add to them, and what they say is checked where it is read."""


def write_seal(folder: Path) -> None:
    """Seal what is in a folder now; nothing sealed may change afterwards."""
    record = {name: _mark(folder / name) for name in _sealed(folder)}
    (folder / SEAL).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def check_seal(folder: Path) -> None:
    """See that a sealed folder is as it was; folders without a seal (of versions before it) pass.

    Raises:
        DataProblem: every sealed file that is missing or changed, and every file that came later (R009).
    """
    path = folder / SEAL
    if not path.exists():
        return
    try:
        if not path.is_file():
            raise ValueError("no ordinary file")
        record = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record, dict):
            raise ValueError("no record of files")
    except (OSError, ValueError, RecursionError) as error:
        raise DataProblem([_problem(path, f"no seal: {error}")]) from error
    faults = list(_faults(folder, record))
    if faults:
        raise DataProblem(faults)


def _faults(folder: Path, record: dict[str, object]) -> Iterator[Problem]:
    there = set(_sealed(folder))
    for name in sorted(there - set(record)):
        yield _problem(folder / name, "a file that the run did not write")
    for name, mark in sorted(record.items()):
        if name not in there:
            yield _problem(folder / name, "no such file")
        elif _mark(folder / name, mark) != mark:
            yield _problem(folder / name, "other content than the run wrote")


def _sealed(folder: Path) -> list[str]:
    """Names of the files to seal, links to ordinary files among them."""
    found = {path for pattern in READ for path in folder.glob(pattern) if path.is_file()}
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _mark(path: Path, expected: object = None) -> list[object]:
    """Size and SHA-256 of a file; not read if its size is not the expected one."""
    size = path.stat().st_size
    if isinstance(expected, list) and expected[:1] != [size]:
        return [size]
    with path.open("rb") as file:
        return [size, hashlib.file_digest(file, "sha256").hexdigest()]


def _problem(path: Path, found: str) -> Problem:
    remedy = "bring the run back from a copy, or make it again"
    return Problem("R009", str(path), found=found, allowed="the run as it was written", remedy=remedy)
