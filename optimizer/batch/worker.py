"""What a Dask worker does with a job: unpack the case, make the run, hand it back."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from optimizer.batch.parcel import packed, unpack
from optimizer.batch.team import ONE_AT_A_TIME
from optimizer.errors import SourcingError
from optimizer.jobs.frontier import frontier_of
from optimizer.jobs.prepare import Options
from optimizer.tables.case import load_case

TOPIC = "sourcing-batch"
"""Dask topic on which workers tell how their jobs go on."""

DONE, LIMIT, CRASH = 0, 4, 6
ENDINGS = {3: "infeasible", 5: "limit"}
"""Word for how a job without a run ended, by exit code; any other failed."""


@dataclass(frozen=True)
class Task:
    """A job as it travels.

    Attributes:
        name: place of the job in the batch, by which its news is told.
        case: name of the case the run is recorded under.
        parcel: the case, packed.
        options: how to solve.
        draws: whether to draw charts, map and page.
        target: the run folder, if the worker shares the batch's disk; None if the run is to travel back.
    """

    name: str
    case: str
    parcel: bytes
    options: Options
    draws: bool
    target: str | None = None


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        code: exit code as of the single command.
        status: ``complete``, ``limit``, ``interrupted``, ``infeasible`` or ``failed``.
        message: what went wrong, in words.
        seconds: wall time on the worker.
        cpu_seconds: processor time on the worker, of its process and of those it started and saw ending.
        parcel: the run folder, packed, if it travels.
    """

    code: int
    status: str
    message: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    parcel: bytes | None = None


class Reporter:
    """A watcher that tells the client, if there is one."""

    def __init__(self, name: str) -> None:
        self.name = name

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Tell that a phase began."""
        self.update(name)
        yield

    def update(self, text: str) -> None:
        """Tell a passing state."""
        from distributed import get_worker

        with contextlib.suppress(ValueError):
            get_worker().log_event(TOPIC, {"job": self.name, "text": text})


def do(task: Task) -> Outcome:
    """Make one run. Whatever goes wrong with the case is an outcome, not an error: other jobs go on."""
    with ONE_AT_A_TIME:
        began, spent = time.perf_counter(), sum(os.times()[:4])
        try:
            outcome = _done(task)
        except SourcingError as problem:
            outcome = Outcome(problem.exit_code, ENDINGS.get(problem.exit_code, "failed"), str(problem))
        except Exception as crash:
            outcome = Outcome(CRASH, "failed", f"internal error: {type(crash).__name__}: {crash}")
        cpu_seconds = round(sum(os.times()[:4]) - spent, 2)
        return replace(outcome, seconds=round(time.perf_counter() - began, 3), cpu_seconds=cpu_seconds)


def _done(task: Task) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="sourcing-job-") as place:
        case = replace(load_case(unpack(task.parcel, Path(place) / "case")), name=task.case)
        target = Path(task.target) if task.target is not None else Path(place) / "run"
        run = frontier_of(case, target, task.options, Reporter(task.name), task.draws, resumes=True)
        code = DONE if run.status == "complete" else LIMIT
        return Outcome(code, run.status, parcel=None if task.target is not None else packed(run.path))


def warm() -> bool:
    """Import what every job needs, so that no job waits for it."""
    import optimizer.batch.preload  # noqa: F401

    return True


def record(outcome: Outcome) -> dict[str, Any]:
    """An outcome as plain values."""
    names = ("code", "status", "message", "seconds", "cpu_seconds")
    return {name: getattr(outcome, name) for name in names}
