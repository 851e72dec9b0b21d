"""Why this plan: a finished run in, its part ``explain`` out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.explain.bench import Bench, Rigour
from optimizer.explain.limits import eased, limits_table, priced, shock_capacity, shock_weights, stage_table, worths
from optimizer.explain.offers import Checked, Standing, check, offers_table, standings
from optimizer.explain.steps import steps_table
from optimizer.explain.suppliers import Sheet, deep_sheet, quick_sheet, sheets_table, suppliers, swap_of
from optimizer.explain.tables import EXPLAIN, Part
from optimizer.explain.tell import Story, story_of
from optimizer.jobs.early import hired_early
from optimizer.jobs.prepare import COST, LOSS
from optimizer.jobs.reopen import Reopened, chosen_point, recommended, take_up
from optimizer.jobs.watch import Silence, Watcher
from optimizer.results.folder import RunTables, add_part
from optimizer.solve.recourse import Recourse

QUICK_SECONDS = 20.0
"""Limit on one linear program of the quick way; never met but on a machine that is busy with something else."""
QUICK = {
    name: Rigour(rounds, QUICK_SECONDS, is_sure=False)
    for name, rounds in {"offers": 3, "swap": 8, "supplier": 3}.items()
}
"""Rigour of the quick estimates; with it the flagship is explained within 15 s on two quiet cores."""
DEEP_SECONDS = 60.0
"""Limit on one mixed-integer solve of the deep way, unless told otherwise."""
DEEP_OFFERS = 3
"""Nearest open offers that the deep way re-solves."""


@dataclass(frozen=True)
class Explained:
    """What explaining a plan gave: where it was written, its tables and record, and the story told from them."""

    path: Path
    part: Part
    story: Story


@dataclass(frozen=True)
class Depth:
    """How far to go: estimates from linear programs, or mixed-integer re-solves with ``seconds`` each."""

    is_deep: bool = False
    seconds: float = DEEP_SECONDS
    gap_share: float = 1e-3


def explain_run(
    run: str | Path, point: int | None, depth: Depth, workers: int = 1, watcher: Watcher | None = None
) -> Explained:
    """Explain one plan of a finished run and write the part ``explain`` into it.

    Args:
        run: folder of the run.
        point: point of the frontier; None for the recommended one (the knee).
        depth: how far to go.
        workers: processes that evaluate shocks.
        watcher: where to tell how it goes on.

    Raises:
        DataProblem: if the folder is no finished run with its case and plans, or has no such point.
    """
    watcher = watcher or Silence()
    with hired_early(workers) as hire:
        reopened, chosen = take_up(run, point, watcher)
        with Recourse(reopened.ready.program, workers, hire) as recourse:
            return _explained(reopened, chosen, depth, recourse, watcher)


def explain_reopened(
    reopened: Reopened, point: int | None, depth: Depth, workers: int = 1, watcher: Watcher | None = None
) -> Explained:
    """As ``explain_run``, for a run that is open already."""
    chosen = chosen_point(reopened.run, point)
    with Recourse(reopened.ready.program, workers) as recourse:
        return _explained(reopened, chosen, depth, recourse, watcher or Silence())


def _explained(reopened: Reopened, point: int, depth: Depth, recourse: Recourse, watcher: Watcher) -> Explained:
    tables = _tables(reopened, point, depth, recourse, watcher)
    record = _record(reopened.run, point, depth)
    path = add_part(reopened.run.path, EXPLAIN, tables, record)
    part = Part(tables, record)
    return Explained(path, part, story_of(reopened.ready.instance, reopened.run, part, point))


def _tables(
    reopened: Reopened, point: int, depth: Depth, recourse: Recourse, watcher: Watcher
) -> dict[str, pd.DataFrame]:
    """The four tables of a point."""
    instance, program, tables = reopened.ready.instance, reopened.ready.program, reopened.run.tables
    with watcher.phase("prices of limits"):
        bench = Bench(instance, program, reopened.plans[point], COST, LOSS, recourse)
        limits = _limits(bench, tables, point)
    with watcher.phase("offers not chosen"):
        rigour = Rigour(seconds=QUICK_SECONDS) if depth.is_deep else QUICK["offers"]
        found = standings(bench, rigour, depth.is_deep)
        checks = _checks(bench, found, depth) if depth.is_deep else {}
    with watcher.phase("suppliers"):
        sheets = _sheets(bench, found, depth, _bound(tables["frontier"], point))
    return {
        "explain_limits": limits,
        "explain_offers": offers_table(bench, point, found, checks),
        "explain_steps": steps_table(instance, tables),
        "explain_suppliers": sheets_table(bench, point, sheets),
    }


def _limits(bench: Bench, tables: Mapping[str, pd.DataFrame], point: int) -> pd.DataFrame:
    duals = priced(tables["prices"], point)
    weights = shock_weights(bench.program, bench.loss, duals)
    roomy = eased(bench.program, bench.cost, bench.x)
    in_shocks = shock_capacity(bench.instance, bench.recourse, roomy, weights)
    offers = bench.instance.offers
    signed = [(str(o), int(str(s))) for o, s in bench.taken("is_signed")]
    running = [(o, t) for o, s in signed for t in range(s, s + offers[o].term_years)]
    rows = worths(bench.instance, duals, in_shocks, running)
    limits = limits_table(bench.instance, point, rows, duals.loss_price)
    shares = tables["shares"]
    stages = stage_table(limits, shares[shares["point"] == point])
    return pd.concat([limits, stages], ignore_index=True) if len(stages) else limits


def _checks(bench: Bench, found: Sequence[Standing], depth: Depth) -> dict[str, Checked]:
    gap = max(1e-6, depth.gap_share * abs(bench.cost_musd))
    checks = {}
    for standing in found[:DEEP_OFFERS]:
        result = check(bench, standing.offer, standing.start_year, depth.seconds, gap)
        if result is not None:
            checks[standing.offer] = result
    return checks


def _sheets(bench: Bench, found: Sequence[Standing], depth: Depth, bound: float) -> list[Sheet]:
    if depth.is_deep:
        gap = max(1e-6, depth.gap_share * abs(bench.cost_musd))
        return [deep_sheet(bench, f, depth.seconds, gap, bound) for f in suppliers(bench)]
    swap = swap_of(bench, [s.offer for s in found], QUICK["swap"])
    return [quick_sheet(bench, f, swap, QUICK["supplier"], bound) for f in suppliers(bench)]


def _bound(frontier: pd.DataFrame, point: int) -> float:
    return float(frontier.loc[frontier["point"] == point, "cost_bound_musd"].iloc[0])


def _record(run: RunTables, point: int, depth: Depth) -> dict[str, Any]:
    return {
        "point": point,
        "recommended": recommended(run),
        "is_deep": depth.is_deep,
        "prices": "duals of the linear program with the plan's integer decisions fixed",
    }
