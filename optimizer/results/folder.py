"""The folder of a run: made under ``<run-id>.partial``, renamed in one step when everything is in it."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.errors import DataProblem, Problem, UsageProblem
from optimizer.results.manifest import as_json
from optimizer.results.write import read_tables, write_tables

PARTIAL = ".partial"
LOCK = "lock.json"
INPUTS = "inputs"
CASE = "case"
POINTS = "points"
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class RunTables:
    """A finished run as read from its folder.

    Attributes:
        path: the folder.
        tables: result tables by name.
        inputs: instance tables by name.
        manifest: content of ``run.json``.
        audit: content of ``audit.json``; empty if the run was not audited.
    """

    path: Path
    tables: Mapping[str, pd.DataFrame]
    inputs: Mapping[str, pd.DataFrame]
    manifest: Mapping[str, Any]
    audit: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SavedPoint:
    """A finished point kept for resumption: arrays and a record of plain values."""

    name: str
    arrays: Mapping[str, Array]
    record: Mapping[str, Any]


def run_id(case_hash: str, moment: datetime | None = None) -> str:
    """Name of a run: UTC time to the second and the first eight digits of the case's hash."""
    when = (moment or datetime.now(UTC)).astimezone(UTC)
    return f"{when:%Y%m%dT%H%M%SZ}-{_safe(case_hash[:8])}"


def run_path(root: Path, case: str, case_hash: str, moment: datetime | None = None) -> Path:
    """Folder ``root/<case>/<run-id>``; characters of the case's name that do not belong in a path become ``_``."""
    return root / _safe(case) / run_id(case_hash, moment)


def _safe(text: str) -> str:
    return _UNSAFE.sub("_", text) or "_"


def interrupted_run(root: Path, case: str, case_hash: str) -> Path | None:
    """Target of the latest unfinished run of exactly this case under ``root``, or None."""
    found = sorted((root / _safe(case)).glob(f"*-{_safe(case_hash[:8])}{PARTIAL}"))
    return found[-1].with_name(found[-1].name.removesuffix(PARTIAL)) if found else None


class RunFolder:
    """A run being made; use as a context manager so that the lock goes with it.

    Args:
        target: where the finished run will be.
        is_resumed: take up an unfinished run; otherwise one left there is an error.

    Raises:
        UsageProblem: if the target exists, another process is at work on it, or an unfinished run is in the way.
    """

    def __init__(self, target: Path, is_resumed: bool = False) -> None:
        self.target = target
        self.path = target.with_name(target.name + PARTIAL)
        if target.exists():
            raise UsageProblem(f"{target} exists already; name another folder with -o")
        if self.path.exists() and not is_resumed:
            _refuse_if_locked(self.path)
            raise UsageProblem(f"{self.path} holds an unfinished run; remove it, or name another folder with -o")
        self.path.mkdir(parents=True, exist_ok=True)
        _lock(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Give the folder free for another process; an unfinished run stays to be taken up."""
        if self.path.exists():
            (self.path / LOCK).unlink(missing_ok=True)

    def save_point(self, name: str, arrays: Mapping[str, Array], record: Mapping[str, Any]) -> None:
        """Keep a finished point, atomically; saving the same name again replaces it."""
        folder = self.path / POINTS
        folder.mkdir(exist_ok=True)
        buffer = io.BytesIO()
        content = {f"array_{key}": value for key, value in arrays.items()}
        np.savez_compressed(buffer, record=np.array(as_json(record)), **content)  # type: ignore[arg-type]
        replace_file(folder / f"{_safe(name)}.npz", buffer.getvalue())

    def saved_points(self) -> list[SavedPoint]:
        """Finished points in order of their names; no code is ever loaded from them."""
        points = []
        for path in sorted((self.path / POINTS).glob("*.npz")):
            with np.load(path, allow_pickle=False) as stored:
                arrays = {key.removeprefix("array_"): stored[key] for key in stored.files if key != "record"}
                points.append(SavedPoint(path.stem, arrays, json.loads(str(stored["record"]))))
        return points

    def write_tables(self, tables: Mapping[str, pd.DataFrame]) -> None:
        """Write result tables as CSV and Parquet."""
        write_tables(self.path, tables)

    def write_inputs(self, tables: Mapping[str, pd.DataFrame]) -> None:
        """Write the instance's tables, which the audit and later commands read, into ``inputs``."""
        write_tables(self.path / INPUTS, tables)

    def write_record(self, name: str, record: Mapping[str, Any]) -> None:
        """Write a JSON file (``run.json``, ``audit.json``) atomically."""
        replace_file(self.path / name, as_json(record).encode())

    def complete(self, keeps_points: bool = False) -> Path:
        """Rename the folder to its final name in one step and return it.

        Raises:
            UsageProblem: if something has taken the name meanwhile.
        """
        if self.target.exists():
            raise UsageProblem(f"{self.target} exists already; the run is kept in {self.path}")
        if not keeps_points:
            shutil.rmtree(self.path / POINTS, ignore_errors=True)
        (self.path / LOCK).unlink(missing_ok=True)
        self.path.rename(self.target)
        return self.target


def add_part(run: Path, name: str, tables: Mapping[str, pd.DataFrame], record: Mapping[str, Any] | None = None) -> Path:
    """Add a subfolder of tables (and ``<name>.json``) to a finished run, replacing an earlier one of that name.

    It is made beside its place and moved there, so that a reader sees the old one or the new one, never half of one.
    """
    final, fresh, old = (run / (_safe(name) + suffix) for suffix in ("", PARTIAL, ".old"))
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    write_tables(fresh, tables)
    if record is not None:
        replace_file(fresh / f"{_safe(name)}.json", as_json(record).encode())
    if final.exists():
        final.rename(old)
    fresh.rename(final)
    shutil.rmtree(old, ignore_errors=True)
    return final


def read_run(path: Path) -> RunTables:
    """Read a finished run.

    Raises:
        DataProblem: if the folder is missing, unfinished or no run.
    """
    problem = ""
    if not path.is_dir():
        problem = "there is no such folder"
    elif path.name.endswith(PARTIAL):
        problem = "the run is unfinished"
    elif not (path / "run.json").is_file():
        problem = "it has no run.json"
    if problem:
        remedy = "name a finished run folder, runs/<case>/<run-id>"
        raise DataProblem([Problem("R001", str(path), found=problem, allowed="a finished run", remedy=remedy)])
    audit = _read_json(path / "audit.json") if (path / "audit.json").is_file() else {}
    inputs = read_tables(path / INPUTS)
    return RunTables(path, read_tables(path), inputs, _read_json(path / "run.json"), audit)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataProblem([Problem("R002", str(path), found=str(error), allowed="JSON as written by a run")]) from error
    return record


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)


def _lock(folder: Path) -> None:
    """Claim a folder for this process; a lock left by a process that is gone is taken over."""
    path = folder / LOCK
    content = json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode()
    for _ in range(2):
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            _refuse_if_locked(folder)
            path.unlink(missing_ok=True)
            continue
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        return
    raise UsageProblem(f"{folder} is being claimed by another process")


def _refuse_if_locked(folder: Path) -> None:
    try:
        owner = json.loads((folder / LOCK).read_text(encoding="utf-8"))
        pid, host = int(owner["pid"]), str(owner["host"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    if host != socket.gethostname() or _is_alive(pid):
        raise UsageProblem(
            f"process {pid} on {host} is at work on {folder}; wait for it, name another folder with -o, "
            f"or remove {folder / LOCK} if that process is gone"
        )


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
