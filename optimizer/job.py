"""The jobs behind the commands: a case in, a run folder out.

``prepare`` reads and builds, ``solve_plan`` finds one plan, ``frontier_of`` the frontier, ``run_case`` the main job
with audit, charts, map and page. Each works without the command line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.chain.build import build_instance
from optimizer.chain.instance import Instance
from optimizer.chain.tables_of import instance_tables
from optimizer.errors import AuditFailure, UsageProblem
from optimizer.model.build import build_model, recourse_blocks
from optimizer.model.registry import FIRST_STAGE
from optimizer.results.extract import Extractor, SolvedPoint, Tables, collect
from optimizer.results.folder import RunFolder, run_path
from optimizer.results.manifest import Manifest, Seconds, utc_now
from optimizer.solve.compile import compile_model
from optimizer.solve.compiled import CompiledProgram, Floats
from optimizer.solve.finish import Finisher
from optimizer.solve.frontier import Frontier, trace_frontier
from optimizer.solve.one import Point, solve_at
from optimizer.solve.recourse import Recourse
from optimizer.tables.case import Case, load_case

if TYPE_CHECKING:
    from optimizer.audit.ledger import Audit

COST, LOSS, TIE = "cost", "loss_measure", "shadow_freight"
FINISH_SECONDS = 30.0
"""Limit on each of the two linear programs that finish a point."""
PREFERENCE = {"spot": 1.0, "flow": 0.1, "supply": 0.1, "stock": -0.05, "shortfall": 0.0}
"""What a shock's plan spares once its loss is least, per tonne: spot purchases, then stock, then movements."""
LATE = 1e-3
"""Preference, per tonne and period, for losing demand late: stock is used before lines stop."""


class Watcher(Protocol):
    """Where a job tells how it goes on."""

    def phase(self, name: str) -> AbstractContextManager[Any]:
        """Announce a phase."""

    def update(self, text: str) -> None:
        """Show a passing state."""


class Silence:
    """A watcher that tells nobody."""

    def phase(self, name: str) -> AbstractContextManager[Any]:
        """Say nothing about a phase."""
        return nullcontext(name)

    def update(self, text: str) -> None:
        """Say nothing."""


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
        """Group of limits, in a buyer's words, of every first-stage row."""
        names = {rule.name: rule.group for rule in FIRST_STAGE}
        return [names.get(component, component) for component, _ in self.program.row_keys]


@dataclass(frozen=True)
class Found:
    """What a search gave: points, the ``bounds`` and ``segments`` behind them, certificate, and how it ended."""

    points: Sequence[Point]
    proofs: Mapping[str, pd.DataFrame]
    certificate: Mapping[str, Any]
    status: str


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, its tables and how it ended (``complete`` or ``limit``)."""

    path: Path
    tables: Tables
    inputs: Mapping[str, pd.DataFrame]
    manifest: Mapping[str, Any]
    status: str
    pictures: tuple[Path, ...] = field(default=())


def prepare(case: str | Path, watcher: Watcher | None = None) -> Prepared:
    """Read a case, build its instance and model, and compile it once.

    Raises:
        DataProblem: everything wrong with the case, together.
        Infeasible: a limit that no decision could meet.
    """
    watcher = watcher or Silence()
    seconds, started = Seconds(), utc_now()
    with watcher.phase("read and check the case"), seconds.phase("load"):
        loaded = load_case(case)
        instance = build_instance(loaded)
    with watcher.phase("build and compile the model"), seconds.phase("build"):
        model = build_model(instance)
        objectives = {COST: model.cost, LOSS: model.loss_measure, TIE: model.shadow_freight}
        program = compile_model(model, objectives, recourse_blocks(model))
    return Prepared(loaded, instance, program, seconds, started)


def refuse_solver(name: str) -> None:
    """Only HiGHS drives the decomposition; other solvers solve the Pyomo model itself.

    Raises:
        UsageProblem: for any other name.
    """
    if name.lower() != "highs":
        raise UsageProblem(f"solver {name!r} is not available here; use highs")


def refuse_taken(output: Path | None) -> None:
    """A finished run is never overwritten; said before the work, not after it.

    Raises:
        UsageProblem: if there is something at the place of the new run.
    """
    if output is not None and output.exists():
        raise UsageProblem(f"{output} exists already; name another folder with -o")


def solve_plan(case: str | Path, output: Path | None, options: Options, watcher: Watcher | None = None) -> Run:
    """One plan: least cost at a loss, or least loss within a budget. Written as a run with one point."""
    watcher = watcher or Silence()
    refuse_solver(options.solver)
    refuse_taken(output)
    ready = prepare(case, watcher)
    settings = ready.case.settings.frontier
    with watcher.phase("find the plan"), ready.seconds.phase("solver"):
        point = solve_at(
            ready.program,
            COST,
            LOSS,
            max_second=options.max_loss_months,
            max_first=options.budget_musd,
            gap_share=_given(options.gap_share, settings.gap_share),
            time_limit_s=_given(options.time_limit_s, settings.time_limit_s),
            workers=options.workers,
            seed=options.seed,
            groups=ready.groups,
        )
    proof = [{"proof": 1, "kind": "cap", "max_loss_months": point.second, "bound_musd": point.bound, "weight": 0.0}]
    bounds = pd.DataFrame(proof).assign(status=point.status)
    status = "complete" if point.status == "optimal" else "limit"
    return _finish(ready, output, options, Found([point], {"bounds": bounds}, {}, status), watcher)


def frontier_of(
    case: str | Path, output: Path | None, options: Options, watcher: Watcher | None = None, draws: bool = False
) -> Run:
    """The certified frontier of a case, written to a run folder; ``draws`` adds charts, map and page."""
    watcher = watcher or Silence()
    refuse_solver(options.solver)
    refuse_taken(output)
    ready = prepare(case, watcher)
    with watcher.phase("trace the frontier"), ready.seconds.phase("solver"):
        frontier = _trace(ready, options, watcher)
    others = {"bounds": numbered(frontier.bounds_table()), "segments": frontier.segments_table()}
    figures = frontier.certificate
    certificate = {
        "mean_gap_share": figures.mean_gap_share,
        "max_gap_share": figures.max_gap_share,
        "uncertain_share": figures.uncertain_share,
        "tolerance": frontier.tolerance,
        "solves": frontier.solves,
    }
    status = "complete" if frontier.status in ("complete", "tolerance") else frontier.status
    return _finish(ready, output, options, Found(frontier.points, others, certificate, status), watcher, draws)


def run_case(case: str | Path, output: Path | None, options: Options, watcher: Watcher | None = None) -> Run:
    """The main job: check, frontier, audit, charts, map and page."""
    return frontier_of(case, output, options, watcher, draws=True)


def _trace(ready: Prepared, options: Options, watcher: Watcher) -> Frontier:
    settings = ready.case.settings.frontier
    return trace_frontier(
        ready.program,
        COST,
        LOSS,
        points=options.points or settings.points,
        tolerance_share=_given(options.tolerance_share, settings.tolerance_share),
        gap_share=_given(options.gap_share, settings.gap_share),
        time_limit_s=_given(options.time_limit_s, settings.time_limit_s),
        workers=options.workers,
        seed=options.seed,
        progress=lambda stage, count: watcher.update(f"{stage}: {count} questions answered"),
        exact=options.is_exact,
        groups=ready.groups,
    )


def _given(option: float | None, setting: float) -> float:
    """The option, if there is one; 0 is one."""
    return setting if option is None else option


def numbered(bounds: pd.DataFrame) -> pd.DataFrame:
    """Number the proofs in the order they were made."""
    return bounds.assign(proof=range(1, len(bounds) + 1))


def preferences(program: CompiledProgram) -> list[Floats]:
    """Secondary cost of every block's columns (see ``PREFERENCE``)."""
    vectors = []
    for block in program.blocks:
        weights = [PREFERENCE.get(component, 0.0) for component, _ in block.column_keys]
        periods = [int(str(index[-1])) for _, index in block.column_keys]
        late = [
            LATE * (max(periods) - k) if component == "shortfall" else 0.0
            for (component, _), k in zip(block.column_keys, periods, strict=True)
        ]
        vectors.append(np.array(weights) + np.array(late))
    return vectors


def _finish(
    ready: Prepared,
    output: Path | None,
    options: Options,
    found: Found,
    watcher: Watcher,
    draws: bool = False,
) -> Run:
    """Tables, audit, manifest and pictures of solved points, in a run folder."""
    with watcher.phase("write the plans as tables"):
        tables = _tables_of(ready, found, options.workers)
        inputs = instance_tables(ready.instance)
    with watcher.phase("audit every plan from its tables"):
        audit = _audited(tables, inputs, found.certificate)
    target = output or run_path(Path("runs"), ready.case.name, ready.case.case_hash)
    with RunFolder(target) as folder:
        folder.write_tables(tables)
        folder.write_inputs(inputs)
        folder.write_record("audit.json", audit.record())
        manifest = _manifest(ready, options, found)
        pictures: tuple[str, ...] = ()
        if draws:
            with watcher.phase("draw charts, map and page"):
                pictures = _drawn(folder.path, ready, tables, inputs, manifest)
        folder.write_record("run.json", manifest)
        path = folder.complete()
    if not audit.passed:
        failed = [check.name for check in audit.checks if not check.passed]
        raise AuditFailure(f"the plans do not add up ({', '.join(failed)}); see {path / 'audit.json'}")
    return Run(path, tables, inputs, manifest, found.status, tuple(path / name for name in pictures))


def _tables_of(ready: Prepared, found: Found, workers: int) -> Tables:
    extractor = Extractor(ready.instance, ready.program)
    secondary = preferences(ready.program)
    parts: list[Tables] = []
    prices: list[dict[str, Any]] = []
    with ready.seconds.phase("solver"), Recourse(ready.program, workers) as recourse:
        free = shadow_columns(ready)
        finisher = Finisher(ready.program, COST, LOSS, TIE, recourse)
        for number, point in enumerate(found.points, start=1):
            duals = finisher.prices(point, FINISH_SECONDS)
            x = finisher.settled(point, free, FINISH_SECONDS)
            plans = [plan.values for plan in recourse.plan(x, secondary)]
            solved = SolvedPoint(number, x, plans, cost_bound_musd=point.bound, status=point.status)
            parts.append(extractor.tables(solved))
            for constraint, index, price in duals:
                unit = "MUSD/month" if constraint == "loss_cap" else "MUSD per unit of the row"
                row = {"point": number, "constraint": constraint, "index": index, "price": price, "unit": unit}
                prices.append(row)
    return collect(ready.instance, parts, {**found.proofs, "prices": pd.DataFrame(prices)})


def shadow_columns(ready: Prepared) -> npt.NDArray[np.bool_]:
    """Columns that move shadow flow or follow from it: what may change while ties are broken."""
    lanes = ready.instance.lanes

    def is_shadow(component: str, index: tuple[object, ...]) -> bool:
        if component == "flow":
            return lanes[str(index[0])].layer == "supplier"
        if component in ("throughput", "reclassified"):
            return "supplier" in index
        return component in ("surplus", "loss", "excess", "value_at_risk", "worst_loss")

    return np.array([is_shadow(component, index) for component, index in ready.program.column_keys], dtype=bool)


def _audited(tables: Tables, inputs: Mapping[str, pd.DataFrame], certificate: Mapping[str, Any]) -> Audit:
    from optimizer.audit.run import audit_run

    return audit_run(tables, inputs, certificate or None)


def _manifest(ready: Prepared, options: Options, found: Found) -> dict[str, Any]:
    program, instance = ready.program, ready.instance
    size = {
        "rows": program.matrix.shape[0],
        "columns": program.matrix.shape[1],
        "binaries": int(program.is_integer.sum()),
        "shocks": len(instance.shocks),
        "facilities": len(instance.facilities),
        "recourse_rows": sum(block.recourse.shape[0] for block in program.blocks),
        "recourse_columns": sum(block.recourse.shape[1] for block in program.blocks),
    }
    manifest = Manifest(
        case=ready.case.name,
        case_hash=ready.case.case_hash,
        data_hash=ready.case.data_hash,
        seed=options.seed,
        options=options.record(),
        started=ready.started,
        finished=utc_now(),
        status=found.status,
        seconds=ready.seconds.table(),
        certificate=found.certificate,
        measure={
            "kind": instance.measure.kind,
            "alpha": instance.measure.alpha,
            "year_weights": dict(instance.measure.year_weights),
        },
        size=size,
        points=[{"point": k, "status": p.status} for k, p in enumerate(found.points, start=1)],
    )
    return manifest.record() | {"title": instance.title, "question": ready.case.settings.question}


def _drawn(
    folder: Path,
    ready: Prepared,
    tables: Tables,
    inputs: Mapping[str, pd.DataFrame],
    manifest: Mapping[str, Any],
) -> tuple[str, ...]:
    """Charts, map and page into the folder; names of the files."""
    from optimizer.report.deliver import draw_run
    from optimizer.results.folder import RunTables

    return draw_run(folder, RunTables(folder, tables, inputs, manifest), assumed_shares(ready.case))


def assumed_shares(case: Case) -> dict[str, float]:
    """Share of assumed figures per table of a case, tables with provenance only."""
    shares = {}
    for name, frame in case.tables.items():
        if "confidence" in frame and len(frame):
            shares[name] = float((frame["confidence"] == "assumed").mean())
    return shares
