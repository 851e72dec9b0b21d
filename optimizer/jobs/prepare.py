"""A case read, built and compiled once: the start of every job."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.chain.build import build_instance
from optimizer.chain.instance import Instance
from optimizer.errors import UsageProblem
from optimizer.explain.words import Words
from optimizer.jobs.watch import Silence, Watcher
from optimizer.model.build import build_model, continuations, recourse_blocks, worse_blocks
from optimizer.results.manifest import Seconds, utc_now
from optimizer.solve.compile import compile_model
from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.highs import NAME
from optimizer.tables.case import Case, load_case

COST, LOSS, TIE = "cost", "loss_measure", "ties"


@dataclass(frozen=True)
class Options:
    """How to solve; None takes what the case says."""

    points: int | None = None
    tolerance_share: float | None = None
    gap_share: float | None = None
    time_limit_s: float | None = None
    workers: int = 1
    seed: int = 0
    solver: str = "highs"
    is_exact: bool = False
    max_loss_months: float | None = None
    budget_musd: float | None = None

    def record(self) -> dict[str, Any]:
        """Options as written to ``run.json``."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class Prepared:
    """A case, built and compiled."""

    case: Case
    instance: Instance
    program: CompiledProgram
    seconds: Seconds
    started: str

    @property
    def groups(self) -> list[str]:
        """Limit, in a buyer's words, that every first-stage row belongs to."""
        return Words(self.instance).limits(self.program.row_keys)


def prepare(
    case: str | Path | Case, watcher: Watcher | None = None, kept: Callable[[], CompiledProgram | None] = lambda: None
) -> Prepared:
    """Read a case, build its instance and model, and compile it once.

    Args:
        case: folder or name of a case, or a case as read.
        watcher: told how it goes on.
        kept: gives the program if it was compiled before and kept; None to compile it.

    Raises:
        DataProblem: everything wrong with the case, together.
        Infeasible: a limit that no decision could meet.
    """
    watcher = watcher or Silence()
    seconds, started = Seconds(), utc_now()
    with watcher.phase("read and check the case"), seconds.phase("load"):
        loaded = case if isinstance(case, Case) else load_case(case)
        instance = build_instance(loaded)
    with watcher.phase("build and compile the model"), seconds.phase("build"):
        program = kept() or compiled(build_model(instance))
    return Prepared(loaded, instance, program, seconds, started)


def compiled(model: Any) -> CompiledProgram:
    """The program of a case's model: its three objectives, its shocks as blocks, and all that is known of those."""
    objectives = {COST: model.cost, LOSS: model.loss_measure, TIE: model.ties}
    return compile_model(model, objectives, recourse_blocks(model), continuations(model), worse_blocks(model))


def refuse_solver(name: str) -> None:
    """Only HiGHS traces frontiers; other solvers solve the Pyomo model as one program, one plan at a time.

    Raises:
        UsageProblem: for any other name.
    """
    if name.lower() != NAME:
        raise UsageProblem(
            f"solver {name!r} cannot trace a frontier: that takes hundreds of questions to one decomposition, "
            f"which {NAME} answers; `sourcing solve --solver {name}` finds single plans with it"
        )


def refuse_taken(output: Path | None) -> None:
    """A finished run is never overwritten, nor sought where no folder can be; said before the work, not after it.

    Raises:
        UsageProblem: if there is something at the place of the new run, or nothing can be made there.
    """
    if output is None:
        return
    try:
        if output.exists():
            raise UsageProblem(f"{output} exists already; name another folder with -o")
        ground = next(parent for parent in output.absolute().parents if parent.exists())
    except (OSError, ValueError) as error:
        raise UsageProblem(f"the run cannot be written there ({error}); name another folder with -o") from error
    if not ground.is_dir() or not os.access(ground, os.W_OK | os.X_OK):
        raise UsageProblem(f"{output} cannot be made below {ground}; name another folder with -o")
