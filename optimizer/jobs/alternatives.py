"""Other portfolios nearly as good: a finished run in, its part ``alternatives`` out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optimizer.explain.alternatives import Alternative, next_alternative, slack_of, spent
from optimizer.explain.bench import WHOLE, Bench
from optimizer.explain.tables import ALTERNATIVES, Part
from optimizer.jobs.early import hired_early
from optimizer.jobs.prepare import COST, LOSS
from optimizer.jobs.reopen import take_up
from optimizer.jobs.watch import Silence, Watcher
from optimizer.model.risk import overall_probability
from optimizer.results.columns import Columns
from optimizer.results.costs import qualification_starts
from optimizer.results.folder import add_part
from optimizer.results.portfolio import portfolio_rows
from optimizer.solve.compiled import Floats
from optimizer.solve.recourse import Recourse

SECONDS = 100.0
"""Limit on the search for all alternatives together, unless told otherwise."""
GAP = 0.02
"""Distance at which the search for one alternative is good enough."""
METHOD = (
    "least distance to all plans before, maximised; distance is the share of an earlier plan's new spending that goes "
    "to other suppliers (modelling to generate alternatives)"
)


@dataclass(frozen=True)
class Search:
    """How to look: slack on cost and loss as shares, number of plans, seconds for all, gap in distance."""

    slack_share: float = 0.02
    count: int = 5
    seconds: float = SECONDS
    gap: float = GAP


@dataclass(frozen=True)
class Found:
    """Alternatives of a plan: where they were written, and the part's tables and record."""

    path: Path
    part: Part


def alternatives_of(
    run: str | Path, point: int | None, search: Search, workers: int = 1, watcher: Watcher | None = None
) -> Found:
    """Find portfolios unlike a plan of a run and unlike each other, and write the part ``alternatives`` into the run.

    Args:
        run: folder of the run.
        point: point of the frontier; None for the recommended one.
        search: how to look.
        workers: processes that evaluate shocks.
        watcher: where to tell how it goes on.

    Raises:
        DataProblem: if the folder is no finished run with its case and plans, or has no such point.
    """
    watcher = watcher or Silence()
    with ExitStack() as stack:
        hire = stack.enter_context(hired_early(workers))
        reopened, chosen = take_up(run, point, watcher)
        recourse = stack.enter_context(Recourse(reopened.ready.program, workers, hire))
        bench = Bench(reopened.ready.instance, reopened.ready.program, reopened.plans[chosen], COST, LOSS, recourse)
        with watcher.phase("look for other portfolios"):
            found = _found(bench, search, list(reopened.plans.values()), watcher)
        base = recourse.evaluate(bench.x).losses if bench.program.blocks else np.zeros(0)
    tables = _tables(bench, found, base)
    slack = slack_of(bench, search.slack_share)
    record = {
        "point": chosen,
        "slack_share": search.slack_share,
        "max_cost_musd": slack.max_cost,
        "max_loss_months": slack.max_loss,
        "asked_for": search.count,
        "found": len(found),
        "method": METHOD,
    }
    return Found(add_part(reopened.run.path, ALTERNATIVES, tables, record), Part(tables, record))


def _found(bench: Bench, search: Search, known: Sequence[Floats], watcher: Watcher) -> list[Alternative]:
    slack, earlier, found = slack_of(bench, search.slack_share), [bench.x], []
    deadline = time.perf_counter() + search.seconds
    for number in range(search.count):
        watcher.update(f"{number} other portfolios found")
        left = deadline - time.perf_counter()
        seconds = left if number == search.count - 1 else 0.5 * left  # few take their share; a slow machine finds some
        plan = next_alternative(bench, earlier, slack, max(1.0, seconds), search.gap, known)
        if plan is None:
            break
        found.append(plan)
        earlier.append(plan.plan.x)
    return found


# --- tables ---------------------------------------------------------------------------------------------------------


def _tables(bench: Bench, found: Sequence[Alternative], base: Floats) -> dict[str, pd.DataFrame]:
    """Tables of the plan itself (number 0) and its alternatives."""
    plans = [bench.x, *(a.plan.x for a in found)]
    losses = [base, *(a.losses for a in found)]
    return {
        "alternatives": _summary(bench, found, losses),
        "alternatives_portfolio": pd.concat(
            [_portfolio(bench, x).assign(alternative=k) for k, x in enumerate(plans)], ignore_index=True
        ),
        "alternatives_choices": choices(bench, plans),
        "alternatives_losses": pd.concat(
            [_losses(bench, values).assign(alternative=k) for k, values in enumerate(losses)], ignore_index=True
        ),
    }


def _summary(bench: Bench, found: Sequence[Alternative], losses: Sequence[Floats]) -> pd.DataFrame:
    probability = overall_probability(bench.instance) if bench.instance.shocks else {}
    rows = []
    for k, own in enumerate(losses):
        cost, loss = bench.master.values(bench.x if k == 0 else found[k - 1].plan.x)
        table = _losses(bench, own)
        weights = [probability.get(shock, 0.0) for shock in table["shock"]]
        rows.append(
            {
                "alternative": k,
                "cost_musd": cost,
                "loss_months": loss,
                "expected_loss_months": float(np.dot(weights, table["loss_months"])),
                "worst_loss_months": float(table["loss_months"].max()) if len(table) else 0.0,
                "extra_cost_share": cost / bench.cost_musd - 1.0 if bench.cost_musd else 0.0,
                "distance_share": found[k - 1].distance if k else 0.0,
                "distance_bound_share": found[k - 1].bound if k else 0.0,
                "suppliers": len(spent(bench, bench.x if k == 0 else found[k - 1].plan.x)),
            }
        )
    return pd.DataFrame(rows)


def _losses(bench: Bench, values: Floats) -> pd.DataFrame:
    rows = [
        (str(bench.program.column_keys[block.theta][1][0]), float(value))
        for block, value in zip(bench.program.blocks, values, strict=True)
        if bench.program.column_keys[block.theta][0] == "loss"
    ]
    return pd.DataFrame(rows, columns=["shock", "loss_months"])


def _portfolio(bench: Bench, x: Floats) -> pd.DataFrame:
    """Rows like those of the run's ``portfolio``."""
    reader = Columns(bench.program.column_keys)

    def read(component: str, names: Sequence[str]) -> pd.DataFrame:
        return reader.read(component, x, names)

    volumes = read("committed", ("offer", "year")).rename(columns={"value": "committed_t"})
    return portfolio_rows(bench.instance, read, qualification_starts(read), volumes)


def choices(bench: Bench, plans: Sequence[Floats]) -> pd.DataFrame:
    """One row per supplier, offer, qualification and project that could be chosen: in how many plans it is.

    ``verdict``: ``must`` (in all), ``some`` or ``none``.
    """
    instance, counts = bench.instance, dict[tuple[str, str, str], int]()
    for x in plans:
        taken = {key for key, place in _choices(bench) if x[place] > WHOLE}
        for key, _ in _choices(bench):
            counts.setdefault(key, 0)
        for key in taken:
            counts[key] += 1
    verdict = partial(_verdict, len(plans))
    rows = [
        {
            "kind": kind,
            "choice": name,
            "facility": facility,
            "stage": instance.facilities[facility].stage,
            "country_iso3": instance.facilities[facility].country_iso3,
            "plans": count,
            "of_plans": len(plans),
            "verdict": verdict(count),
        }
        for (kind, name, facility), count in sorted(counts.items())
    ]
    columns = ["kind", "choice", "facility", "stage", "country_iso3", "plans", "of_plans", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def _verdict(total: int, count: int) -> str:
    return "must" if count == total else "some" if count else "none"


def _choices(bench: Bench) -> list[tuple[tuple[str, str, str], int]]:
    """(kind, name, facility) and column of everything that can be signed, qualified or sponsored."""
    instance, found = bench.instance, []
    for (o, _), place in bench.columns("is_signed").items():
        facility = instance.offers[str(o)].facility
        found += [(("offer", str(o), facility), place), (("supplier", facility, facility), place)]
    for (q, _), place in bench.columns("is_qualified").items():
        found.append((("qualification", str(q), instance.qualifications[str(q)].facility), place))
    for (e, _), place in bench.columns("is_sponsored").items():
        found.append((("project", str(e), instance.projects[str(e)].facility), place))
    return found


def summary(found: Found) -> dict[str, Any]:
    """What was found as a plain record: the plans, and who is in all, some or none of them."""
    table = found.part.tables["alternatives_choices"]
    own = table[table["kind"].isin(["supplier", "project"])]
    verdicts = {word: list(own.loc[own["verdict"] == word, "choice"]) for word in ("must", "some", "none")}
    plans = found.part.tables["alternatives"].to_dict("records")
    return {**dict(found.part.record), "path": str(found.path), "plans": plans, **verdicts}
