"""One plan, the frontier, and the main job: a case in, a run folder with tables, audit and pictures out."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from optimizer.chain.tables_of import instance_tables
from optimizer.jobs.one_plan import chosen_solver, plan_by
from optimizer.jobs.point_tables import Found, tables_of
from optimizer.jobs.prepare import COST, LOSS, Options, Prepared, prepare, refuse_solver, refuse_taken
from optimizer.jobs.reopen import Reopened
from optimizer.jobs.target import finished_run, job_name, making, refuse_unsound, target_of
from optimizer.jobs.watch import Silence, Watcher
from optimizer.results.extract import Tables
from optimizer.results.folder import CASE, RunFolder, RunTables
from optimizer.results.kept import kept_journal
from optimizer.results.manifest import Manifest, utc_now
from optimizer.results.plans import write_plans
from optimizer.results.stored import write_program
from optimizer.solve.certificate import certificate
from optimizer.solve.crew import Crew, Hire
from optimizer.solve.effort import Effort
from optimizer.solve.frontier import Frontier, trace_frontier
from optimizer.solve.journal import Journal
from optimizer.solve.numerics import numerics
from optimizer.solve.search import Progress
from optimizer.tables.case import Case
from optimizer.tables.snapshot import write_snapshot

if TYPE_CHECKING:
    from optimizer.audit.ledger import Audit


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, its tables and how it ended (``complete`` or ``limit``)."""

    path: Path
    tables: Tables
    inputs: Mapping[str, pd.DataFrame]
    manifest: Mapping[str, Any]
    status: str
    pictures: tuple[Path, ...] = field(default=())


def solve_plan(case: str | Path | Case, output: Path | None, options: Options, watcher: Watcher | None = None) -> Run:
    """One plan: least cost at a loss, or least loss within a budget. Written as a run with one point."""
    watcher = watcher or Silence()
    solver = chosen_solver(options.solver)
    refuse_taken(output)
    ready = prepare(case, watcher)
    with watcher.phase("find the plan"), ready.seconds.phase("solver"):
        point = plan_by(solver, ready, options)
    proof = [{"proof": 1, "kind": "cap", "max_loss_months": point.second, "bound_musd": point.bound, "weight": 0.0}]
    bounds = pd.DataFrame(proof).assign(status=point.status)
    is_done = point.status == "optimal"
    found = Found([point], {"bounds": bounds}, {}, "complete" if is_done else "limit", is_done)
    with making(target_of(output, ready.case), False) as folder:
        return _finish(ready, folder, options, found, watcher)


def frontier_of(
    case: str | Path | Case,
    output: Path | None,
    options: Options,
    watcher: Watcher | None = None,
    draws: bool = False,
    *,
    probes: bool = False,
    resumes: bool = False,
    hire: Hire = Crew,
) -> Run:
    """The certified frontier of a case, written to a run folder.

    Every answer of the solver is kept in the folder as it comes, so that an interrupted run can be gone on with.

    Args:
        case: folder or name of a case, or a case as read.
        output: the run folder; None for a new one under ``runs``.
        options: how to solve.
        watcher: told how it goes on.
        draws: add charts, map and page.
        probes: add the stress test and the reasons for the recommended plan.
        resumes: go on with an unfinished run of this case, or one ended by a limit; begin anew if there is none, and
            return it as it is if it is complete.
        hire: makes the workers that answer questions side by side.
    """
    watcher = watcher or Silence()
    refuse_solver(options.solver)
    if not resumes:
        refuse_taken(output)
    ready = prepare(case, watcher)
    target = target_of(output, ready.case, resumes)
    earlier = finished_run(target, ready.case) if resumes else None
    if earlier is not None:
        return Run(earlier.path, dict(earlier.tables), earlier.inputs, earlier.manifest, "complete")
    with making(target, resumes) as folder:
        found = _traced(ready, options, watcher, kept_journal(folder, ready.program), hire)
        return _finish(ready, folder, options, found, watcher, draws, probes)


def _traced(ready: Prepared, options: Options, watcher: Watcher, journal: Journal, hire: Hire) -> Found:
    if journal.entries:
        watcher.update(f"{len(journal.entries)} answers of an earlier attempt taken over")
    with watcher.phase("trace the frontier"), ready.seconds.phase("solver"):
        frontier = _trace(ready, options, watcher, journal, hire)
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
    return Found(frontier.points, others, certificate, status, frontier.is_repeatable)


def run_case(
    case: str | Path | Case,
    output: Path | None,
    options: Options,
    watcher: Watcher | None = None,
    *,
    resumes: bool = False,
    hire: Hire = Crew,
) -> Run:
    """The main job: check, frontier, audit, stress test, reasons, charts, map and page."""
    return frontier_of(case, output, options, watcher, True, probes=True, resumes=resumes, hire=hire)


def _trace(ready: Prepared, options: Options, watcher: Watcher, journal: Journal, hire: Hire) -> Frontier:
    settings = ready.case.settings.frontier
    return trace_frontier(
        replace(ready.program, groups=ready.groups),
        COST,
        LOSS,
        effort=Effort(
            points=options.points or settings.points,
            tolerance_share=_given(options.tolerance_share, settings.tolerance_share),
            gap_share=_given(options.gap_share, settings.gap_share),
            time_limit_s=_given(options.time_limit_s, settings.time_limit_s),
            workers=options.workers,
            seed=options.seed,
        ),
        progress=lambda progress: watcher.update(told(progress)),
        exact=options.is_exact,
        journal=journal,
        hire=hire,
    )


def told(progress: Progress) -> str:
    """How far a trace is, in a line."""
    parts = [f"{progress.solves} questions answered"]
    if progress.points:
        parts.append(f"{progress.points} plans")
        parts.append(f"mean gap {100.0 * progress.mean_gap_share:.2f} %")
        parts.append(f"{100.0 * progress.uncertain_share:.0f} % of the area uncertain")
    if math.isfinite(progress.seconds_left):
        parts.append(f"{progress.seconds_left:.0f} s left")
    return ", ".join(parts)


def _given(option: float | None, setting: float) -> float:
    """The option, if there is one; 0 is one."""
    return setting if option is None else option


def numbered(bounds: pd.DataFrame) -> pd.DataFrame:
    """Number the proofs in the order they were made."""
    return bounds.assign(proof=range(1, len(bounds) + 1))


def _finish(
    ready: Prepared,
    folder: RunFolder,
    options: Options,
    found: Found,
    watcher: Watcher,
    draws: bool = False,
    probes: bool = False,
) -> Run:
    """Tables, audit, manifest, stress test, reasons and pictures of solved points, in a run folder."""
    with watcher.phase("write the plans as tables"):
        tables, plans = tables_of(ready, found, options.workers)
        found = certified(found, tables)
        inputs = instance_tables(ready.instance)
    with watcher.phase("audit every plan from its tables"):
        audit = _audited(tables, inputs, found.certificate)
    folder.write_tables(tables)
    folder.write_inputs(inputs)
    shutil.rmtree(folder.path / CASE, ignore_errors=True)
    write_snapshot(ready.case, folder.path / CASE)
    write_plans(folder.path, ready.program, plans)
    kept = write_program(folder.path, ready.program)
    folder.write_record("audit.json", audit.record())
    manifest = _manifest(ready, options, found) | {"job": job_name(found, draws), "resumed": folder.resumed()}
    manifest["program"] = kept
    made = RunTables(folder.path, tables, inputs, manifest, audit.record())
    if probes and audit.passed:
        _probed(Reopened(made, ready, plans), options, watcher)
    pictures: tuple[str, ...] = ()
    if draws:
        with watcher.phase("draw charts, map and page"):
            pictures = _drawn(made, ready)
    folder.write_record("run.json", manifest)
    path = folder.complete(keeps_points=found.status != "complete")
    refuse_unsound(path, [check.name for check in audit.checks if not check.passed])
    return Run(path, tables, inputs, manifest, found.status, tuple(path / name for name in pictures))


def certified(found: Found, tables: Tables) -> Found:
    """The certificate of the plans as written: breaking ties may have lowered a plan's loss since it was traced."""
    if not found.certificate or tables["frontier"].empty:
        return found
    figures = certificate(tables["frontier"], tables["bounds"], tables["segments"])
    names = ("mean_gap_share", "max_gap_share", "uncertain_share")
    return replace(found, certificate={**found.certificate, **{name: getattr(figures, name) for name in names}})


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
    more = {"title": instance.title, "question": ready.case.settings.question, "is_repeatable": found.is_repeatable}
    more["numerics"] = numerics(program)
    return manifest.record() | more


def _probed(reopened: Reopened, options: Options, watcher: Watcher) -> None:
    from optimizer.jobs.probe import probe

    probe(reopened, options.workers, options.seed, watcher)


def _drawn(run: RunTables, ready: Prepared) -> tuple[str, ...]:
    """Charts, map and page into the folder; names of the files."""
    from optimizer.report.deliver import draw_run

    return draw_run(run.path, run, assumed_shares(ready.case))


def assumed_shares(case: Case) -> dict[str, float]:
    """Share of assumed figures per table of a case, tables with provenance only."""
    shares = {}
    for name, frame in case.tables.items():
        if "confidence" in frame and len(frame):
            shares[name] = float((frame["confidence"] == "assumed").mean())
    return shares
