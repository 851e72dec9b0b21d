"""The folder of a run: made under ``<run-id>.partial``, renamed in one step when everything is in it."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.errors import DataProblem, Problem, StorageFull, UsageProblem
from optimizer.results.lock import lock, refuse_if_locked, unlock
from optimizer.results.manifest import as_json, utc_now
from optimizer.results.records import BACK, read_arrays, read_audit, read_manifest, read_record
from optimizer.results.seal import SEAL, write_seal
from optimizer.results.write import read_tables, write_tables

PARTIAL = ".partial"
OLD = ".old"
INPUTS = "inputs"
CASE = "case"
POINTS = "points"
_RESUMED = "resumed.json"
_NEEDED = ("costs", "frontier", "losses", "portfolio", "prices", "shares", "shocks", "stock")
"""Tables that later commands cannot do without; of a sealed run the seal tells which are lost."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_ANEW = "take the file away: what it holds is then found anew"
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
    return f"{when:%Y%m%dT%H%M%SZ}-{safe_name(case_hash[:8])}"


def run_path(root: Path, case: str, case_hash: str, moment: datetime | None = None) -> Path:
    """Folder ``root/<case>/<run-id>``; characters of the case's name that do not belong in a path become ``_``."""
    return root / safe_name(case) / run_id(case_hash, moment)


def safe_name(text: str) -> str:
    """A name that stands for one folder: other characters than letters, digits, - and _ become ``_``."""
    return _UNSAFE.sub("_", text) or "_"


def interrupted_run(root: Path, case: str, case_hash: str) -> Path | None:
    """Target of the latest unfinished run of exactly this case under ``root``, or None."""
    found = sorted((root / safe_name(case)).glob(f"*-{safe_name(case_hash[:8])}{PARTIAL}"))
    return found[-1].with_name(found[-1].name.removesuffix(PARTIAL)) if found else None


def can_go_on(target: Path) -> bool:
    """Whether a finished run was ended by a limit and still has the points to go on from."""
    return (target / POINTS).is_dir() and (target / "run.json").is_file()


class RunFolder:
    """A run being made; use as a context manager so that the lock goes with it.

    Args:
        target: where the finished run will be.
        is_resumed: take up an unfinished run, or one that a limit ended; otherwise either is an error.

    Raises:
        UsageProblem: if the target exists, another process is at work on it, or an unfinished run is in the way.
        DataProblem: if what is to be taken up is damaged (R002).
    """

    def __init__(self, target: Path, is_resumed: bool = False) -> None:
        self.target = target
        self.path = target.with_name(target.name + PARTIAL)
        self._supersedes = is_resumed and can_go_on(target)
        if target.exists() and not self._supersedes:
            raise UsageProblem(f"{target} exists already; name another folder with -o")
        if self.path.exists() and not is_resumed:
            refuse_if_locked(self.path)
            raise UsageProblem(
                f"{self.path} holds an unfinished run; go on with it by --resume, remove it, or name another folder"
            )
        self._made = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise
            raise UsageProblem(f"{self.path} cannot be made ({error.strerror}); name another folder with -o") from error
        lock(self.path)
        try:
            self._take_up()
        except DataProblem:
            if self._made:
                self.discard()
            self.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Give the folder free for another process; an unfinished run stays to be taken up."""
        if self.path.exists():
            unlock(self.path)

    def save_point(self, name: str, arrays: Mapping[str, Array], record: Mapping[str, Any]) -> None:
        """Keep a finished point, atomically; saving the same name again replaces it."""
        folder = self.path / POINTS
        folder.mkdir(exist_ok=True)
        buffer = io.BytesIO()
        content = {f"array_{key}": value for key, value in arrays.items()}
        np.savez_compressed(buffer, record=np.array(as_json(record)), **content)  # type: ignore[arg-type]
        replace_file(folder / f"{safe_name(name)}.npz", buffer.getvalue())

    def saved_points(self) -> list[SavedPoint]:
        """Finished points in order of their names; no code is ever loaded from them.

        Raises:
            DataProblem: if one is damaged (R002).
        """
        return _points(self.path / POINTS)

    def has_points(self) -> bool:
        """Whether there is anything to go on from."""
        return any((self.path / POINTS).glob("*.npz"))

    def resumed(self) -> list[str]:
        """Moments (UTC) at which the run was taken up again, this attempt included.

        Raises:
            DataProblem: if their record is damaged (R002).
        """
        return _moments(self.path / POINTS)

    def _take_up(self) -> None:
        """Copy what is gone on from and note the moment; nothing of that if anything there is damaged."""
        own, earlier = self.path / POINTS, self.target / POINTS
        source = earlier if self._supersedes and not own.exists() else own
        if not source.is_dir():
            return
        _points(source)
        record = {"moments": [*_moments(source), utc_now()]}
        if source is earlier:
            shutil.copytree(earlier, own)
        replace_file(own / _RESUMED, as_json(record).encode())

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
        """Rename the folder to its final name in one step and return it; a run it goes on from gives way.

        Args:
            keeps_points: leave the points there, so that a run ended by a limit can be taken up again.

        Raises:
            UsageProblem: if something has taken the name meanwhile.
        """
        if self.target.exists() and not self._supersedes:
            raise UsageProblem(f"{self.target} exists already; the run is kept in {self.path}")
        if not keeps_points:
            shutil.rmtree(self.path / POINTS, ignore_errors=True)
        write_seal(self.path)
        unlock(self.path)
        old = self.target.with_name(self.target.name + OLD)
        if self._supersedes:
            self.target.rename(old)
        self.path.rename(self.target)
        if self._supersedes:
            shutil.rmtree(old, ignore_errors=True)
        return self.target

    def discard(self) -> None:
        """Take the folder away, with the folders around it that were made for it and are empty."""
        shutil.rmtree(self.path, ignore_errors=True)
        for folder in self._made[1:]:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _points(folder: Path) -> list[SavedPoint]:
    points = []
    for path in sorted(folder.glob("*.npz")):
        arrays = read_arrays(path, remedy=_ANEW)
        try:
            record = json.loads(str(arrays.pop("record")))
            if not isinstance(record, dict):
                raise ValueError(f"`{str(record)[:60]}`")
        except (ValueError, KeyError, RecursionError) as error:
            raise damaged_point(path, error) from error
        points.append(SavedPoint(path.stem, {key.removeprefix("array_"): part for key, part in arrays.items()}, record))
    return points


def damaged_point(path: Path, error: Exception) -> DataProblem:
    """The problem of a kept point that is not as a run writes it (R002)."""
    found = f"{type(error).__name__}: {' '.join(str(error).split())[:100]}"
    return DataProblem([Problem("R002", str(path), found=found, allowed="a point as written by a run", remedy=_ANEW)])


def _moments(folder: Path) -> list[str]:
    from optimizer.results.record_kinds import ResumedKinds

    path = folder / _RESUMED
    moments: list[str] = read_record(path, ResumedKinds, _ANEW)["moments"] if path.exists() else []
    return moments


def add_part(run: Path, name: str, tables: Mapping[str, pd.DataFrame], record: Mapping[str, Any] | None = None) -> Path:
    """Add a subfolder of tables (and ``<name>.json``) to a finished run, replacing an earlier one of that name.

    It is made beside its place and moved there, so that a reader sees the old one or the new one, never half of one.
    A link in one of these places is taken away, not followed: a run folder may come from anybody.
    """
    final, fresh, old = (run / (safe_name(name) + suffix) for suffix in ("", PARTIAL, OLD))
    for leftover in (fresh, old):
        _clear(leftover)
    write_tables(fresh, tables)
    if record is not None:
        replace_file(fresh / f"{safe_name(name)}.json", as_json(record).encode())
    write_seal(fresh)
    if final.exists() or final.is_symlink():
        final.rename(old)
    fresh.rename(final)
    _clear(old)
    return final


def _clear(path: Path) -> None:
    """Take a folder, a file or a link away, if there is one; what a link points to stays."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


def read_part(run: Path, name: str) -> tuple[dict[str, pd.DataFrame], dict[str, Any]] | None:
    """Tables and record of a part that :func:`add_part` added to a run; None if it has none of that name.

    Raises:
        DataProblem: if the part is not as it was written (R002, R009).
    """
    from optimizer.results.record_kinds import AnyKinds

    folder = run / name
    if not (folder / f"{name}.json").exists():
        return None
    return read_tables(folder), read_record(folder / f"{name}.json", AnyKinds)


def read_run(path: Path) -> RunTables:
    """Read a finished run.

    Raises:
        DataProblem: if the folder is missing, unfinished or no run (R001), or not as it was written (R002, R009).
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
    tables, inputs = read_tables(path), read_tables(path / INPUTS)
    lost = [name for name in _NEEDED if name not in tables] if not (path / SEAL).exists() else []
    if lost:
        told = [path / f"{name}.parquet" for name in lost]
        raise DataProblem([Problem("R002", str(file), "", "", "no such table", "a table", BACK) for file in told])
    return RunTables(path, tables, inputs, read_manifest(path), read_audit(path))


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all; no link, of the file or beside it, is followed."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    try:
        with fresh.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def full_disk_told(kept: Path) -> Iterator[None]:
    """Turn "no room left" into a message that says where the finished work is.

    Raises:
        StorageFull: instead of the system's own error, whichever file did not fit.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise StorageFull(
            f"no room to write ({error.strerror}); what was finished is kept in {kept}: make room, then --resume"
        ) from error
