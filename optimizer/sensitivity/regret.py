"""Plans x branches of policy: every plan run under the rules of every branch, and what it would regret.

A branch is a regime that may follow the one the plans were made under. What is signed, qualified and sponsored stays;
flows are chosen anew under the branch's duties, licences and origin rules for the whole horizon, and demand that cannot
be met is bought off at the line-stop cost. What a plan loses in shocks is taken as it was made. Commitments
to offers that a branch leaves no way for are still paid.

Chosen anew, flows need not keep the cover that a plan pays for (stock, lifting from safe suppliers). So a plan's cost
in a branch is its own cost plus the difference between the branch and its own rules, both with flows chosen anew: cover
is kept and costs the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from optimizer.chain.build import build_instance
from optimizer.chain.instance import Instance
from optimizer.chain.phases import regimes_in_force
from optimizer.chain.records import Row, Tables, number, rows_of
from optimizer.chain.services import services_of
from optimizer.errors import DataProblem, Problem
from optimizer.model.build import build_model
from optimizer.model.objective import payment_year
from optimizer.solve.compile import compile_model
from optimizer.solve.compiled import CompiledProgram, Floats
from optimizer.solve.highs import LinearProgram, solve

COST = "cost"
DECIDED = ("is_signed", "is_qualified", "is_sponsored", "committed")
"""What a branch does not change: decisions of the plan."""
ROOM = 1e-6
"""Relative room for rounding of what is held, t."""


@dataclass(frozen=True)
class Branch:
    """A regime that may come.

    Attributes:
        regime: its key.
        name: for people.
        probability: share among the branches; None where the tables give none.
    """

    regime: str
    name: str
    probability: float | None


@dataclass(frozen=True)
class Outcome:
    """A plan in a branch: what it costs without line stops, and what is not met.

    Attributes:
        cost_musd: present value, line stops left out; not a number if the branch leaves the plan no operation at all.
        shortfall_t: demand not met over the horizon.
        shortfall_musd: the same at the line-stop cost, present value.
        shortfall_months: months of demand over the whole horizon.
    """

    cost_musd: float
    shortfall_t: float
    shortfall_musd: float
    shortfall_months: float


def branches_of(tables: Tables, regime: str | None, chosen: Sequence[str] = ()) -> list[Branch]:
    """Branches of the regime in force, with their shares; or those chosen.

    Raises:
        DataProblem: if a branch is not a regime of the case (N003).
    """
    rows = {str(row["regime"]): row for row in rows_of(tables, "regimes")}
    unknown = [name for name in chosen if name not in rows]
    if unknown:
        allowed = ", ".join(sorted(rows)) or "a case with regimes"
        remedy = "name regimes of the table `regimes` after --branch, or add one to it"
        raise DataProblem([Problem("N003", "regimes", "", "regime", name, allowed, remedy) for name in unknown])
    now = regimes_in_force(tables, regime)[:1]
    own = [row for row in rows.values() if now and row.get("branch_of") == now[0]]
    found = [rows[name] for name in chosen] or own
    return [
        Branch(str(row["regime"]), str(row.get("name") or row["regime"]), _share(row, now[0] if now else None))
        for row in found
    ]


def _share(row: Row, now: str | None) -> float | None:
    return number(row, "branch_share") if row.get("branch_of") == now and row.get("branch_share") is not None else None


def rules_of(case: Any, regime: str | None) -> Instance:
    """The instance under a branch's rules (None: the case's own), without shocks, with demand that may stay unmet."""
    changes: dict[str, Any] = {"shock_regimes": ()}
    changes |= {} if regime is None else {"regime": regime, "schedule": ()}
    policy = case.settings.policy.model_copy(update=changes)
    under = replace(case, settings=case.settings.model_copy(update={"policy": policy}))
    instance = build_instance(under, replace(services_of(under), shocks=lambda *_: {}))
    return replace(instance, is_shortfall_allowed=True)


def put_under(
    instance: Instance, program: CompiledProgram, plans: Mapping[int, Floats], branch: Instance
) -> dict[int, Outcome]:
    """Run every plan of a program under a branch.

    Args:
        instance: the plans' own.
        program: in whose column order they are.
        plans: point → vector.
        branch: from :func:`rules_of`.
    """
    model = build_model(branch)
    other = compile_model(model, {COST: model.cost}, [])
    places = {key: place for place, key in enumerate(program.column_keys)}
    held = [(k, places.get(key)) for k, key in enumerate(other.column_keys) if key[0] in DECIDED]
    known = set(other.column_keys)
    return {point: _run(branch, other, held, x, _stranded(instance, program, x, known)) for point, x in plans.items()}


def with_cover(
    found: Mapping[int, Outcome], own_rules: Mapping[int, Outcome], costs: Mapping[int, float]
) -> dict[int, Outcome]:
    """Outcomes with the cost of each plan's cover: its own cost, and what the branch adds to it.

    Args:
        found: in the branch, flows chosen anew.
        own_rules: the same under the rules the plans were made for.
        costs: of the plans as they were made, MUSD.
    """
    return {
        point: replace(outcome, cost_musd=costs[point] + outcome.cost_musd - own_rules[point].cost_musd)
        for point, outcome in found.items()
    }


def _stranded(instance: Instance, program: CompiledProgram, x: Floats, known: set[Any]) -> float:
    """What is paid for decisions that the branch's program does not have, MUSD present value."""
    paid = 0.0
    for place, (component, index) in enumerate(program.column_keys):
        if x[place] <= ROOM or (component, index) in known:
            continue
        year = int(str(index[-1])) if component in DECIDED else 0
        if component == "committed":
            offer = instance.offers[str(index[0])]
            due = offer.take_or_pay_share * offer.price_usd_per_kg[year] * float(x[place]) / 1e3
            paid += due * instance.discount_factor[year]
        elif component == "is_sponsored":
            paid += instance.projects[str(index[0])].cost_musd * instance.discount_factor[year]
        elif component == "is_qualified" and not _was_qualified(program, index, x):
            paid_in = payment_year(instance, str(index[0]), year)
            paid += instance.qualifications[str(index[0])].cost_musd * instance.discount_factor[paid_in]
    return paid


def _was_qualified(program: CompiledProgram, index: tuple[object, ...], x: Floats) -> bool:
    """Whether the same qualification was in force, and paid, a year before."""
    before = ("is_qualified", (index[0], int(str(index[1])) - 1))
    return before in program.column_keys and bool(x[program.column_keys.index(before)] > ROOM)


def _run(
    branch: Instance, other: CompiledProgram, held: Sequence[tuple[int, int | None]], x: Floats, stranded: float
) -> Outcome:
    lower, upper = other.lower.copy(), other.upper.copy()
    for column, place in held:
        value = float(x[place]) if place is not None else 0.0
        room = 0.0 if other.is_integer[column] else ROOM * (1.0 + abs(value))
        value = float(np.round(value)) if other.is_integer[column] else value
        lower[column] = max(0.0, value - room)
        upper[column] = value + room
    cost, constant = other.objectives[COST]
    outcome = solve(LinearProgram(other.matrix, other.row_lower, other.row_upper, lower, upper, cost, constant))
    if outcome.values is None:
        return Outcome(float("nan"), float("nan"), float("nan"), float("nan"))
    short = [
        (int(str(index[1])), float(outcome.values[column]))
        for column, (component, index) in enumerate(other.column_keys)
        if component == "shortfall"
    ]
    missing = sum(amount for _, amount in short)
    worth = sum(branch.discount_factor[t] * branch.line_stop_usd_per_kg * amount / 1e3 for t, amount in short)
    demand = sum(sum(market.demand_t.values()) for market in branch.markets.values())
    total = float(cost @ outcome.values) + constant + stranded
    months = 12.0 * len(branch.years) * missing / demand if demand else 0.0
    return Outcome(total - worth, missing, worth, months)


def regret_table(
    outcomes: Mapping[str, Mapping[int, Outcome]],
    branches: Sequence[Branch],
    losses: Mapping[int, float],
    month_musd: float,
) -> pd.DataFrame:
    """One row per point x branch: cost, shortfall and regret against the best plan of the set in that branch.

    Args:
        outcomes: branch → point → what became of it.
        branches: in the order of the table.
        losses: point → months lost in the shocks the plan was made against; the same in every branch.
        month_musd: what a month of these counts for.
    """
    rows = []
    for branch in branches:
        found = outcomes[branch.regime]
        worths = {p: o.cost_musd + o.shortfall_musd + month_musd * losses[p] for p, o in found.items()}
        best = min((w for w in worths.values() if w == w), default=float("nan"))
        for point, o in found.items():
            rows.append(
                {
                    "point": point,
                    "branch": branch.regime,
                    "name": branch.name,
                    "probability": float("nan") if branch.probability is None else branch.probability,
                    "cost_musd": o.cost_musd,
                    "shortfall_t": o.shortfall_t,
                    "shortfall_months": o.shortfall_months,
                    "shortfall_musd": o.shortfall_musd,
                    "loss_months": losses[point],
                    "total_musd": worths[point],
                    "regret_musd": worths[point] - best,
                }
            )
    columns = ["point", "branch", "name", "probability", "cost_musd", "shortfall_t", "shortfall_months"]
    return pd.DataFrame(rows, columns=[*columns, "shortfall_musd", "loss_months", "total_musd", "regret_musd"])


def choice_table(regrets: pd.DataFrame) -> pd.DataFrame:
    """Worst and expected regret of every point, and which point each rule picks.

    Branches without a probability count for the worst regret only; points that a branch leaves no operation are not
    picked.
    """
    rows = []
    for point, own in regrets.groupby("point", sort=True):
        weighed = own[own["probability"] > 0]
        share = weighed["probability"] / weighed["probability"].sum() if len(weighed) else weighed["probability"]
        expected = float((share * weighed["total_musd"]).sum(skipna=False)) if len(weighed) else float("nan")
        mean = float((share * weighed["regret_musd"]).sum(skipna=False)) if len(weighed) else float("nan")
        worst = float(own["regret_musd"].max(skipna=False))
        rows.append((int(str(point)), worst, mean, expected))
    columns = ["point", "worst_regret_musd", "expected_regret_musd", "expected_total_musd"]
    table = pd.DataFrame(rows, columns=columns)
    for name, column in (("is_minimax", "worst_regret_musd"), ("is_expected_best", "expected_total_musd")):
        least = table[column].min()
        table[name] = table[column].notna() & (table[column] <= least + 1e-9 * (1.0 + abs(least)))
    return table
