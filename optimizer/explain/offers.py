r"""Offers that the plan does not take: at what price, volume or date each would enter.

**First estimate.** One linear program with the plan's integers fixed gives every open offer room for a trace of volume
and pays a premium for using it, so that all are in use and each has a price of its own: the dual of an offer's room is
the premium less what its tonne costs beyond what it replaces, shocks included. Summed over a term, and with the cost of
qualifying spread over the largest volume of use, that is the change of price at which it breaks even. Offers that
only work together (feed and conversion of an owned chain) must not all be paid for the same tonne: only offers of goods
that a market takes, or of one stage, are paid at a time; the others stand ready at the prices they ask.

**Check.** For a few, the offer is signed and the program solved again. The cost with the offer is a concave function of
its price (a minimum of linear ones), so Newton's steps on it end at the break-even price after a few solves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from optimizer.chain.instance import Offer
from optimizer.explain.bench import WHOLE, Bench, Rigour
from optimizer.explain.words import Words
from optimizer.model.objective import payment_year
from optimizer.solve.compiled import Floats
from optimizer.solve.highs import LinearProgram

TRACE = 1e-4
"""Room given to an offer, as a share of the largest yearly demand of a market."""
READY = 100.0
"""Room of offers that stand ready for others, in traces."""
PREMIUM = 10.0
"""Premium, in multiples of the dearest offer's price."""
STEPS = 12
"""Most of Newton's steps; two to four are usual."""
ESTIMATE = "linear program, other decisions fixed"
DEEP = "mixed-integer program, all decisions free"


@dataclass(frozen=True)
class Standing:
    """How an open offer stands against the plan, at its best start.

    Attributes:
        offer: the offer.
        start_year: start with the least change of price.
        asked_usd_per_kg: mean price asked over the term, discounted years weighing less.
        break_even_usd_per_kg: price at which it would enter.
        break_even_t_per_year: least volume that pays for its qualification at the price asked; None if none does.
        earliest_year: first start at which it would pay at the price asked; None if never.
        qualification_musd: present value of the qualification it still needs.
    """

    offer: str
    start_year: int
    asked_usd_per_kg: float
    break_even_usd_per_kg: float
    break_even_t_per_year: float | None
    earliest_year: int | None
    qualification_musd: float

    @property
    def distance(self) -> float:
        """How far the price asked is above the break-even price, USD/kg (negative: it would pay as asked)."""
        return self.asked_usd_per_kg - self.break_even_usd_per_kg


@dataclass(frozen=True)
class Checked:
    """Break-even price of an offer by re-solving; ``gap_usd_per_kg`` is what the proof leaves open."""

    offer: str
    start_year: int
    break_even_usd_per_kg: float
    gap_usd_per_kg: float
    volume_t_per_year: float
    method: str


def term(bench: Bench, offer: Offer, start: int) -> list[int]:
    """Years of the horizon a contract covers."""
    return [t for t in bench.instance.years if start <= t < start + offer.term_years]


def open_offers(bench: Bench) -> list[str]:
    """Offers without a new contract in the plan that could be signed."""
    signed = {index[0] for index in bench.taken("is_signed")}
    known = {str(index[0]) for index in bench.columns("is_signed")}
    return sorted(known - {str(o) for o in signed})


def starts(bench: Bench, offer: Offer) -> list[int]:
    """Years in which a contract could start: after the earliest qualification."""
    found = bench.instance.qualifications.get(offer.qualification or "")
    first = min(found.years, default=None) if found is not None and not found.is_held else bench.instance.years[0]
    return [] if first is None else [s for s in offer.start_years if s >= first]


# --- the first estimate ---------------------------------------------------------------------------------------------


def standings(bench: Bench, rigour: Rigour, every_stage: bool = False) -> list[Standing]:
    """Open offers with their first estimates, nearest first; offers that cannot deliver anything are left out.

    Args:
        bench: the plan.
        rigour: of one linear program; the estimate is a good one long before the last round.
        every_stage: offers of feed and of conversions inside a chain too, with one more linear program per stage.
    """
    found = []
    for batch in batches(bench, every_stage):
        gains = _gains(bench, batch, rigour)
        found += [s for o in sorted(batch) if (s := _standing(bench, bench.instance.offers[o], gains)) is not None]
    return sorted(found, key=lambda s: (s.distance / max(s.asked_usd_per_kg, 1e-9), s.offer))


def batches(bench: Bench, every_stage: bool) -> list[set[str]]:
    """Open offers priced together: those of goods that a market takes, then, if wanted, the others by stage."""
    instance, offers = bench.instance, open_offers(bench)
    wanted = {product for market in instance.markets.values() for product in market.accepts}
    final = {o for o in offers if instance.offers[o].product in wanted}
    stages: dict[str, set[str]] = {}
    for o in offers:
        if o not in final:
            stages.setdefault(instance.facilities[instance.offers[o].facility].stage, set()).add(o)
    found = [final, *(stages.values() if every_stage else ())]
    return [batch for batch in found if batch]


def _gains(bench: Bench, offers: set[str], rigour: Rigour) -> dict[tuple[str, int], float]:
    """(offer, year) → MUSD that a t/yr of the offer saves at the price asked (negative: costs), present value."""
    ready = set(open_offers(bench)) - offers
    instance = bench.instance
    dearest = max(max(o.price_usd_per_kg.values(), default=0.0) for o in instance.offers.values())
    premium = PREMIUM * max(dearest, 1.0) / 1000.0
    demand = max((max(d.demand_t.values(), default=0.0) for d in instance.markets.values()), default=0.0)
    rows: dict[tuple[str, int], int] = {}
    trace, more = max(TRACE * demand, 1e-4), np.zeros(bench.program.matrix.shape[0])
    for row, (constraint, index) in enumerate(bench.program.row_keys):
        if constraint == "commitment_limit" and index[0] in offers:
            more[row] = trace
            rows[str(index[0]), int(str(index[1]))] = row
        elif constraint == "commitment_limit" and index[0] in ready:
            more[row] = READY * trace
    paid = _paid(bench, offers, premium)

    def with_room(program: LinearProgram) -> LinearProgram:
        upper = program.row_upper.copy()
        upper[: more.size] += more
        return replace(program, row_upper=upper, cost=program.cost - paid)

    duals = bench.linear(*bench.held(), with_room).solve(rigour).row_duals
    if duals is None:
        return {}
    worth = {key: -float(duals[row]) for key, row in rows.items()}
    return {key: v - premium * bench.discount[key[1]] for key, v in worth.items() if v > 1e-9}


def _paid(bench: Bench, offers: set[str], premium: float) -> Floats:
    """The premium per column, for every tonne lifted under these offers (MUSD)."""
    instance, paid = bench.instance, np.zeros(bench.x.size)
    lifted = [(o, t, place) for (o, _, t), place in bench.columns("delivered").items()]
    lifted += [(o, t, place) for (o, t), place in bench.columns("converted").items()]
    for o, t, place in lifted:
        if o in offers:
            paid[place] = premium * bench.discount[int(str(t))]
    split = {o for o, _ in bench.columns("converted")}
    tolls: dict[str, float] = {}
    for o in offers:
        offer = instance.offers[o]
        if offer.kind == "toll" and o not in split:
            named = instance.recipes.get(offer.recipe or "")
            route = named.route if named else offer.recipe
            for recipe in instance.recipes.values():
                if recipe.facility == offer.facility and recipe.route == route and offer.product in recipe.outputs:
                    tolls[recipe.recipe] = max(tolls.get(recipe.recipe, 0.0), recipe.outputs[offer.product])
    for (recipe_name, layer, _, t), place in bench.columns("throughput").items():
        if layer == "buyer" and recipe_name in tolls:
            year = int(str(t))
            learnt = instance.recipes[str(recipe_name)].yield_share.get(year, 1.0)
            paid[place] = premium * bench.discount[year] * tolls[str(recipe_name)] * learnt
    return paid


def _standing(bench: Bench, offer: Offer, gains: dict[tuple[str, int], float]) -> Standing | None:
    best: Standing | None = None
    pays: list[int] = []
    for start in starts(bench, offer):
        years = term(bench, offer, start)
        if not years or any((offer.offer, t) not in gains for t in years):
            continue
        weight = sum(bench.discount[t] for t in years)
        gain = sum(gains[offer.offer, t] for t in years)
        fee = qualifying(bench, offer, start)
        asked = sum(bench.discount[t] * offer.price_usd_per_kg[t] for t in years) / weight
        most = max(sum(d.demand_t.get(t, 0.0) for d in bench.instance.markets.values()) for t in years)
        change = (gain - fee / max(min(offer.max_t, most), 1e-9)) / weight * 1000.0
        volume = fee / gain if gain > 1e-12 else None
        if change >= 0.0:
            pays.append(start)
        if best is None or asked + change - asked > best.break_even_usd_per_kg - best.asked_usd_per_kg:
            within = volume if volume is not None and volume <= offer.max_t else None
            best = Standing(offer.offer, start, asked, asked + change, within, None, fee)
    return None if best is None else replace(best, earliest_year=min(pays, default=None))


def qualifying(bench: Bench, offer: Offer, start: int) -> float:
    """Present value of the qualification a start still needs, MUSD; 0 if held, or in force in the plan by then."""
    found = bench.instance.qualifications.get(offer.qualification or "")
    if found is None or found.is_held:
        return 0.0
    place = bench.columns("is_qualified").get((found.qualification, start))
    if place is not None and bench.x[place] > WHOLE:
        return 0.0
    year = max((y for y in found.years if y <= start), default=start)
    return found.cost_musd * bench.discount[payment_year(bench.instance, found.qualification, year)]


# --- the check by re-solving ----------------------------------------------------------------------------------------


def check(bench: Bench, name: str, start: int, seconds: float, gap_musd: float) -> Checked | None:
    """Break-even price of an offer started in a year, by Newton's steps on the cost with the offer signed.

    Every step solves the mixed-integer program again, all decisions free; the plan is the best known without the offer.

    Args:
        bench: the plan.
        name: the offer.
        start: start of its contract.
        seconds: limit of one solve.
        gap_musd: absolute gap of a mixed-integer solve.

    Returns:
        None if no plan with the offer was found, or none that pays for anything under it.
    """
    offer = bench.instance.offers[name]
    slope = _slope(bench, offer)
    running = sum(bench.discount[t] * amount / 1000.0 for t, amount in offer.running_t.items() if t in bench.discount)
    weight = sum(bench.discount[t] for t in term(bench, offer, start))
    asked = sum(bench.discount[t] * offer.price_usd_per_kg[t] for t in term(bench, offer, start)) / weight
    delta, last, result = 0.0, None, None
    for _ in range(STEPS):
        found = _with_offer(bench, offer, start, delta * slope, seconds, gap_musd)
        if found is None:
            return result
        x, value, bound = found
        paid = float(slope @ x) - running
        value, bound = value - delta * running, bound - delta * running
        if paid <= 1e-9:
            return result
        step = (bench.cost_musd - value) / paid
        delta += step
        gap = max(0.0, value - bound) / paid
        volume = _volume(bench, offer, start, x)
        result = Checked(name, start, asked + delta, gap, volume, DEEP)
        if abs(step) <= 1e-6 * (1.0 + abs(asked)) or (last is not None and abs(step) <= gap):
            return result
        last = step
    return result


def _slope(bench: Bench, offer: Offer) -> Floats:
    """Cost of one USD/kg on every tonne paid under the offer, per first-stage column (MUSD)."""
    slope = np.zeros(bench.program.lower.size)
    for component, share in (("committed", offer.take_or_pay_share), ("lifted_extra", 1.0)):
        for (o, t), place in bench.columns(component).items():
            if o == offer.offer:
                slope[place] = share * bench.discount[int(str(t))] / 1000.0
    return slope


def _volume(bench: Bench, offer: Offer, start: int, x: Floats) -> float:
    committed = bench.columns("committed")
    amounts = [x[committed[offer.offer, t]] - offer.running_t.get(t, 0.0) for t in term(bench, offer, start)]
    return float(max([0.0, *amounts]))


def _with_offer(
    bench: Bench, offer: Offer, start: int, extra: Floats, seconds: float, gap_musd: float
) -> tuple[Floats, float, float] | None:
    """Cheapest plan at the plan's loss with the offer signed, at its price plus ``extra``: vector, cost, bound."""
    lower, upper = bench.program.lower.copy(), bench.program.upper.copy()
    for place in _needed(bench, offer, start):
        lower[place] = upper[place] = 1.0
    with bench.changed(lower, upper, bench.master.first + extra) as master:
        answer = master.answer(bench.question, gap_musd, seconds, rounds=8)
    inside = [point for point in answer.attained if bench.within(point)]
    return (inside[0].x, inside[0].first, answer.bound) if inside else None


def _needed(bench: Bench, offer: Offer, start: int) -> Iterator[int]:
    """Columns that are 1 if the offer starts in a year: its signature, and its qualification from then on."""
    yield bench.columns("is_signed")[offer.offer, start]
    found = bench.instance.qualifications.get(offer.qualification or "")
    if found is not None and not found.is_held:
        year = max((y for y in found.years if y <= start), default=start)
        for (q, t), place in bench.columns("is_qualified").items():
            if q == found.qualification and int(str(t)) >= year:
                yield place


# --- the table ------------------------------------------------------------------------------------------------------

COLUMNS = (
    "point", "offer", "name", "facility", "stage", "country_iso3", "product", "kind", "start_year", "asked_usd_per_kg",
    "break_even_usd_per_kg", "break_even_t_per_year", "earliest_year", "qualification_musd", "checked_usd_per_kg",
    "checked_gap_usd_per_kg", "checked_t_per_year", "method",
)  # fmt: skip


def offers_table(bench: Bench, point: int, found: list[Standing], checks: dict[str, Checked]) -> pd.DataFrame:
    """``explain_offers``: one row per open offer, nearest first."""
    instance, words, rows = bench.instance, Words(bench.instance), []
    for s in found:
        offer, test = instance.offers[s.offer], checks.get(s.offer)
        plant = instance.facilities[offer.facility]
        rows.append(
            {
                "point": point,
                "offer": s.offer,
                "name": words.offer(s.offer),
                "facility": offer.facility,
                "stage": plant.stage,
                "country_iso3": plant.country_iso3,
                "product": offer.product,
                "kind": offer.kind,
                "start_year": test.start_year if test else s.start_year,
                "asked_usd_per_kg": s.asked_usd_per_kg,
                "break_even_usd_per_kg": s.break_even_usd_per_kg,
                "break_even_t_per_year": np.nan if s.break_even_t_per_year is None else s.break_even_t_per_year,
                "earliest_year": s.earliest_year or 0,
                "qualification_musd": s.qualification_musd,
                "checked_usd_per_kg": test.break_even_usd_per_kg if test else np.nan,
                "checked_gap_usd_per_kg": test.gap_usd_per_kg if test else np.nan,
                "checked_t_per_year": test.volume_t_per_year if test else np.nan,
                "method": test.method if test else ESTIMATE + ", at the margin",
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))
