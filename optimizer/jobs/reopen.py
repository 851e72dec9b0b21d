"""A finished run taken up again: its case, model and plans exactly as they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from optimizer.errors import DataProblem, Problem
from optimizer.jobs.prepare import Prepared, prepare
from optimizer.jobs.watch import Watcher
from optimizer.results.folder import CASE, RunTables, read_run
from optimizer.results.plans import read_plans
from optimizer.solve.compiled import Floats
from optimizer.tables.case import Case, load_case


@dataclass(frozen=True)
class Reopened:
    """A run with its model.

    Attributes:
        run: tables and manifest as read from the folder.
        ready: case, instance and compiled program, rebuilt from the run's own copy of the case.
        plans: first-stage vector of every point, by its number in the ``frontier`` table.
    """

    run: RunTables
    ready: Prepared
    plans: Mapping[int, Floats]


def reopen(path: str | Path, watcher: Watcher | None = None) -> Reopened:
    """Rebuild the model of a finished run from the copy of its case, and read its plans.

    Raises:
        DataProblem: if the folder is no finished run, or its case or plans are missing or of another version.
    """
    run = read_run(Path(path))
    ready = prepare(case_of(run), watcher)
    return Reopened(run, ready, read_plans(run.path, ready.program))


def case_of(run: RunTables) -> Case:
    """The case of a run as it was, from the run's own copy, under its own name and hashes.

    Raises:
        DataProblem: if the copy is missing (R004) or does not load.
    """
    folder = run.path / CASE
    if not (folder / "case.toml").is_file():
        remedy = "make the run again with this version"
        raise DataProblem([Problem("R004", str(folder), found="no case.toml", allowed="the run's case", remedy=remedy)])
    manifest = run.manifest
    lost = [name for name in ("case", "case_hash", "data_hash") if name not in manifest]
    if lost:
        found = f"no {', '.join(lost)}"
        remedy = "bring the run back from a copy, or make it again"
        raise DataProblem([Problem("R002", str(run.path / "run.json"), found=found, allowed="a run", remedy=remedy)])
    return replace(
        load_case(folder),
        name=str(manifest["case"]),
        case_hash=str(manifest["case_hash"]),
        data_hash=str(manifest["data_hash"]),
    )


def chosen_point(run: RunTables, point: int | None, default: int) -> int:
    """The point asked for, or the default.

    Raises:
        DataProblem: if the run has no such point (R005).
    """
    known = [int(number) for number in run.tables["frontier"]["point"]]
    if point is None:
        return default
    if point not in known:
        allowed = f"a point of this run, {min(known)} to {max(known)}" if known else "a run with points"
        raise DataProblem([Problem("R005", str(run.path), column="point", found=str(point), allowed=allowed)])
    return point
