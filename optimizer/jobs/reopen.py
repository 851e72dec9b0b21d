"""A finished run taken up again: its case, model and plans exactly as they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from optimizer.errors import DataProblem, Problem
from optimizer.jobs.prepare import Prepared, prepare
from optimizer.jobs.watch import Watcher
from optimizer.report.view import RunView
from optimizer.results.folder import CASE, RunTables, read_run
from optimizer.results.plans import read_plans
from optimizer.results.stored import read_program
from optimizer.solve.compiled import Floats
from optimizer.tables.case import Case, load_case


@dataclass(frozen=True)
class Reopened:
    """A run with its model.

    Attributes:
        run: tables and manifest as read from the folder.
        ready: case, instance and compiled program, from the run's own copy of the case and the program kept beside it.
        plans: first-stage vector of every point, by its number in the ``frontier`` table.
    """

    run: RunTables
    ready: Prepared
    plans: Mapping[int, Floats]


def reopen(path: str | Path, watcher: Watcher | None = None) -> Reopened:
    """Take up a finished run: the copy of its case, its program and its plans.

    The program is read as the run kept it; where that cannot be (an older run, another version), it is made again.

    Raises:
        DataProblem: if the folder is no finished run, or its case or plans are missing or of another version.
    """
    return _opened(read_run(Path(path)), watcher)


def take_up(path: str | Path, point: int | None, watcher: Watcher) -> tuple[Reopened, int]:
    """Open a run for a command that asks about one of its plans; a wrong point is told before the model is opened.

    Args:
        path: folder of the run.
        point: point of the frontier; None for the recommended one.
        watcher: told how it goes on.

    Returns:
        The run, and the point (0 if the run has no plan).

    Raises:
        DataProblem: as ``reopen`` and ``chosen_point``.
    """
    run = read_run(Path(path))
    chosen = chosen_point(run, point)
    with watcher.phase("take up the run"):
        return _opened(run, watcher), chosen


def _opened(run: RunTables, watcher: Watcher | None) -> Reopened:
    ready = prepare(case_of(run), watcher, lambda: read_program(run.path, run.manifest))
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
    return replace(
        load_case(folder),
        name=manifest["case"],
        case_hash=manifest["case_hash"],
        data_hash=manifest["data_hash"],
    )


def recommended(run: RunTables) -> int:
    """The point the report recommends; 0 if the run has no plan (no point has that number)."""
    return RunView(run).recommended if len(run.tables["frontier"]) else 0


def chosen_point(run: RunTables, point: int | None) -> int:
    """The point asked for; None for the recommended one.

    Raises:
        DataProblem: if the run has no such point (R005).
    """
    known = [int(number) for number in run.tables["frontier"]["point"]]
    if point is None:
        return recommended(run)
    if point not in known:
        if not known:
            raise DataProblem([without_points(run)])
        found, allowed = str(point), f"a point of this run, {min(known)} to {max(known)}"
        remedy = "leave --point out for the recommended one; the table `frontier` of the run lists all"
        raise DataProblem([Problem("R005", str(run.path), "", "point", found, allowed, remedy)])
    return point


def without_points(run: RunTables) -> Problem:
    """The problem of a run that has no plan."""
    remedy = "make the run again, with more time (--time-limit) or a wider case"
    return Problem("R005", str(run.path), "", "point", "no plan", "a run with points", remedy)
