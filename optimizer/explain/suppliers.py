r"""Negotiation sheet: what the plan would cost without each supplier, and so its walk-away price.

.. math:: \text{walk-away price} = \text{price} + \frac{C^{without} - C}{\sum_t d_t\, q_t}

with q the tonnes paid for under the new contracts and d the discount factor, at the same loss over all shocks.

The quick way compares two linear programs, with and without the supplier, in which the plan's other decisions stay and
contracts for the same products can be signed elsewhere, in part too: an estimate, rather low than high. The program
with the supplier goes first and as far as it needs, for what its shocks add would else count as the supplier's worth.
The deep way leaves everything free and finds a plan that exists: above the price it gives, walking away surely pays;
the bound on its cost gives the price below which it surely does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from optimizer.explain.bench import Bench, Held, Rigour, switched
from optimizer.explain.offers import DEEP
from optimizer.explain.words import Words
from optimizer.solve.compiled import Flags, Floats
from optimizer.solve.highs import Termination

SWAP = "linear program, other decisions fixed; contracts elsewhere may be partial"
OUT_OF_TIME = "not solved within the time"
NEAREST = 6
"""Open offers of a product that may step in, the quick way, beside the plan's own suppliers."""
LEAST_T = 0.5
"""Least change of volume told, t/yr."""


@dataclass(frozen=True)
class Sheet:
    """One supplier of the plan.

    Attributes:
        facility: the supplier.
        offers: its offers with a new contract in the plan.
        without: first-stage vector without it (a plan that exists, the deep way), or None.
        extra_musd: what it costs more; nan if there is none.
        bound_musd: proven: no plan without it costs less (-inf if nothing is known).
        method: how that was found.
        is_needed: proven that there is no plan without it (under the method's freedom).
    """

    facility: str
    offers: tuple[str, ...]
    without: Floats | None
    extra_musd: float
    bound_musd: float
    method: str
    is_needed: bool = False


def suppliers(bench: Bench) -> dict[str, list[str]]:
    """Facility → offers with a new contract in the plan, largest spending first."""
    found: dict[str, list[str]] = {}
    for index in bench.taken("is_signed"):
        offer = str(index[0])
        own = found.setdefault(bench.instance.offers[offer].facility, [])
        if offer not in own:
            own.append(offer)
    return dict(sorted(found.items(), key=lambda item: (-_paid(bench, item[1], bench.x)[1], item[0])))


def _paid(bench: Bench, offers: Iterable[str], x: Floats) -> tuple[float, float]:
    """Discounted kilotonnes paid under new contracts of these offers, and what they cost (MUSD, present value)."""
    tonnes = money = 0.0
    wanted = set(offers)
    for (o, t), place in bench.columns("committed").items():
        if o in wanted:
            offer, year = bench.instance.offers[str(o)], int(str(t))
            extra = bench.columns("lifted_extra")[o, t]
            paid = offer.take_or_pay_share * x[place] + x[extra] - offer.running_t.get(year, 0.0)
            weight = bench.discount[year] * max(0.0, paid) / 1000.0
            tonnes, money = tonnes + weight, money + weight * offer.price_usd_per_kg[year]
    return tonnes, money


@dataclass(frozen=True)
class Swap:
    """What may change the quick way, its linear program, and what that costs with every supplier still there."""

    free: Flags
    program: Held
    cost_musd: float


def swap_of(bench: Bench, ranked: Sequence[str], rigour: Rigour) -> Swap:
    """Let contracts for the products the plan buys be signed elsewhere, in part too.

    Args:
        bench: the plan.
        ranked: open offers, those that would enter first in front.
        rigour: of the linear program.
    """
    free = _may_step_in(bench, ranked)
    program = bench.linear(*bench.held(free))
    solved = program.solve(rigour)
    return Swap(free, program, solved.objective if solved.values is not None else bench.cost_musd)


def quick_sheet(bench: Bench, facility: str, swap: Swap, rigour: Rigour, bound_musd: float) -> Sheet:
    """Estimate what the plan would cost without a supplier, by a linear program.

    Args:
        bench: the plan.
        facility: the supplier.
        swap: what may change.
        rigour: of the linear program.
        bound_musd: proven cost below which there is no plan at this loss at all.
    """
    offers = tuple(suppliers(bench)[facility])
    own = [p for (o, _), p in bench.columns("is_signed").items() if bench.instance.offers[str(o)].facility == facility]
    lower, upper = bench.held(swap.free)
    swap.program.change(switched(lower, own), switched(upper, own))
    without = swap.program.solve(rigour)
    if without.values is None:
        is_proven = without.termination is Termination.INFEASIBLE
        return Sheet(facility, offers, None, np.nan, bound_musd, SWAP if is_proven else OUT_OF_TIME, is_proven)
    extra = max(0.0, without.objective - swap.cost_musd)
    return Sheet(facility, offers, without.values, extra, bound_musd, SWAP)


def deep_sheet(bench: Bench, facility: str, seconds: float, gap_musd: float, bound_musd: float) -> Sheet:
    """Find the cheapest plan without a supplier at the plan's loss, all decisions free, by a mixed-integer program.

    Args:
        bench: the plan.
        facility: the supplier.
        seconds: limit of the solve.
        gap_musd: absolute gap.
        bound_musd: proven cost below which there is no plan at this loss at all.
    """
    offers = tuple(suppliers(bench)[facility])
    own = [p for (o, _), p in bench.columns("is_signed").items() if bench.instance.offers[str(o)].facility == facility]
    lower, upper = switched(bench.program.lower, own), switched(bench.program.upper, own)
    with bench.changed(lower, upper) as master:
        answer = master.answer(bench.question, gap_musd, seconds, rounds=8)
    if answer.is_proven_infeasible:
        return Sheet(facility, offers, None, np.nan, np.inf, DEEP, True)
    bound = max(bound_musd, answer.bound)
    inside = [point for point in answer.attained if bench.within(point)]
    if not inside:
        return Sheet(facility, offers, None, np.nan, bound, OUT_OF_TIME)
    best = min(inside, key=lambda point: point.first)
    return Sheet(facility, offers, best.x, best.first - bench.cost_musd, bound, DEEP)


def _may_step_in(bench: Bench, ranked: Sequence[str]) -> Flags:
    """Binaries that may change the quick way: what the plan buys, from its suppliers and the next best."""
    instance = bench.instance
    mine = {str(index[0]) for index in bench.taken("is_signed")}
    chosen: set[str] = set()
    for product in {instance.offers[o].product for o in mine}:
        others = [o for o in ranked if instance.offers[o].product == product and o not in mine]
        chosen.update(others[:NEAREST], (o for o in mine if instance.offers[o].product == product))
    qualified = {instance.offers[o].qualification for o in chosen}
    free = np.zeros(bench.x.size, dtype=bool)
    for component, wanted in (("is_signed", chosen), ("is_qualified", qualified)):
        for index, place in bench.columns(component).items():
            free[place] = index[0] in wanted
    free[list(bench.columns("is_used").values())] = True
    return free


# --- the table ------------------------------------------------------------------------------------------------------

COLUMNS = (
    "point", "facility", "name", "stage", "country_iso3", "offers", "products", "committed_t_per_year",
    "price_usd_per_kg", "spend_musd", "extra_cost_musd", "walk_away_usd_per_kg", "walk_away_low_usd_per_kg",
    "is_needed", "instead", "method",
)  # fmt: skip


def sheets_table(bench: Bench, point: int, sheets: Sequence[Sheet]) -> pd.DataFrame:
    """``explain_suppliers``: one row per supplier with a new contract in the plan."""
    words, rows = Words(bench.instance), []
    for s in sheets:
        tonnes, money = _paid(bench, s.offers, bench.x)
        price = money / tonnes if tonnes > 1e-12 else np.nan
        low = price + (s.bound_musd - bench.cost_musd) / tonnes if tonnes > 1e-12 else np.nan
        plant = bench.instance.facilities[s.facility]
        rows.append(
            {
                "point": point,
                "facility": s.facility,
                "name": words.place(s.facility),
                "stage": plant.stage,
                "country_iso3": plant.country_iso3,
                "offers": ", ".join(s.offers),
                "products": ", ".join(sorted({bench.instance.offers[o].product for o in s.offers})),
                "committed_t_per_year": _largest(bench, s.offers),
                "price_usd_per_kg": price,
                "spend_musd": money,
                "extra_cost_musd": s.extra_musd,
                "walk_away_usd_per_kg": price + s.extra_musd / tonnes if tonnes > 1e-12 else np.nan,
                "walk_away_low_usd_per_kg": low if np.isfinite(low) else np.nan,
                "is_needed": s.is_needed,
                "instead": "" if s.without is None else _instead(words, changes(bench, bench.x, s.without)),
                "method": s.method,
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _largest(bench: Bench, offers: Sequence[str]) -> float:
    """Largest new volume in force in one year under these offers together, t/yr."""
    yearly: dict[int, float] = {}
    for (o, t), place in bench.columns("committed").items():
        if o in offers:
            running = bench.instance.offers[str(o)].running_t.get(int(str(t)), 0.0)
            yearly[int(str(t))] = yearly.get(int(str(t)), 0.0) + bench.x[place] - running
    return float(max(yearly.values(), default=0.0))


def changes(bench: Bench, before: Floats, after: Floats) -> Mapping[str, float]:
    """Offer → change of its mean committed volume over the horizon, t/yr; largest first."""
    found: dict[str, float] = {}
    for (o, _), place in bench.columns("committed").items():
        change = float(after[place] - before[place]) / len(bench.instance.years)
        found[str(o)] = found.get(str(o), 0.0) + change
    kept = {o: v for o, v in found.items() if abs(v) >= LEAST_T}
    return dict(sorted(kept.items(), key=lambda item: (-abs(item[1]), item[0])))


def _instead(words: Words, changed: Mapping[str, float]) -> str:
    more = [f"{words.offer(o)} {v:+,.0f} t/yr" for o, v in changed.items() if v > 0]
    return "; ".join(more[:4])
