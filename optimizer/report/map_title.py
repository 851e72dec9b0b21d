"""Titles and subtitles of maps: what the plan does, in one sentence with figures, and how to read it."""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.report import numbers
from optimizer.report.plan_map import PlanMap, first_period
from optimizer.report.view import RunView, country, listed


def by_country(plan: PlanMap) -> dict[str, float]:
    """Country of the plant → t/yr that reach the markets from it, the largest first."""
    markets = {place.key for place in plan.markets}
    homes = {place.key: place.country for place in plan.used}
    totals: dict[str, float] = {}
    for flow in plan.flows:
        if flow.end in markets and flow.start in homes:
            totals[homes[flow.start]] = totals.get(homes[flow.start], 0.0) + flow.t_per_year
    return dict(sorted(totals.items(), key=lambda item: (-item[1], item[0])))


def finding(view: RunView, plan: PlanMap, point: int) -> str:
    """Who delivers to the markets, in one sentence."""
    totals = by_country(plan)
    whole = sum(totals.values())
    if not whole:
        return f"Plan {point}: nothing moves to the markets"
    shares = listed(f"{country(code)} {numbers.percent(total / whole)}" for code, total in totals.items())
    return f"Plan {point}: {numbers.mass(whole)} a year reach the markets, from {shares}"


def hit_finding(view: RunView, plan: PlanMap, point: int) -> str:
    """How much of what the markets get has its plant or its way closed by the shock that is marked."""
    markets = {place.key for place in plan.markets}
    closed = sum(flow.t_per_year for flow in plan.flows if flow.end in markets and plan.hit.cuts(flow))
    share = numbers.percent(numbers.ratio(closed, plan.arriving))
    return f"{shock_named(view, plan.hit.shock)}: closes plant or way of {share} of plan {point}'s deliveries"


def reading(view: RunView, point: int) -> str:
    """What the figures on the map are, and what the plan costs and loses."""
    row = view.row(point)
    first, last = view.setting("first_year"), view.setting("last_year")
    years = f"{first}\u2013{last}" if first and last else f"{view.years} years"
    return (
        f"Mean yearly flows in t/yr over {years}, no shock; {numbers.musd(row['cost_musd'])} in all, "
        f"{numbers.usd_per_kg(row['cost_usd_per_kg'])}, {numbers.months(row['loss_months'])} of demand lost"
    )


def shock_row(view: RunView, shock: str) -> dict[str, str]:
    """Name, start year and story of a shock; its id where the table does not tell."""
    rows = view.table("shocks")
    found = rows[rows["shock"] == shock]
    if found.empty:
        return {"name": shock, "start_year": "", "story": ""}
    row = found.iloc[0]
    return {name: str(row[name]) for name in ("name", "start_year", "story")}


def shock_named(view: RunView, shock: str) -> str:
    """Name and start year of a shock."""
    row = shock_row(view, shock)
    return f"{row['name']}, from {row['start_year']}" if row["start_year"] else row["name"]


def loss_of(view: RunView, point: int, shock: str) -> float:
    """Months of demand a point loses in a shock; 0 if the table does not tell."""
    rows = view.of_point("losses", point)
    found = rows.loc[rows["shock"] == shock, "loss_months"]
    return float(found.iloc[0]) if len(found) else 0.0


def shock_finding(view: RunView, point: int, shock: str, plans: tuple[PlanMap, PlanMap]) -> tuple[str, str]:
    """What still arrives in a shock, and what it is and costs."""
    before, after = plans
    months = numbers.months(first_period(view, shock)["months"])
    share = numbers.ratio(after.arriving, before.arriving)
    told = f"still gets {numbers.percent(share)}" if share >= 0.001 else "gets none"
    title = f"{shock_named(view, shock)}: in its first {months} plan {point} {told} of its deliveries"
    lost, first = loss_of(view, point, shock), view.points[0]
    told = f"Over the whole window plan {point} loses {numbers.months(lost)} of demand"
    if point != first:
        told += f", the cheapest plan {numbers.months(loss_of(view, first, shock))}"
    told += "; stock covers part of what does not arrive"
    return title, f"{told}. {shock_row(view, shock)['story']}"


def years_finding(view: RunView, point: int, years: Sequence[int], plans: Sequence[PlanMap]) -> tuple[str, str]:
    """How the country that delivers most at first fares until the end."""
    filled = [(year, by_country(plan)) for year, plan in zip(years, plans, strict=True) if plan.arriving > 0]
    subtitle = f"Flows of each year in t, no shock. {reading(view, point).partition('; ')[2]}"
    if not filled:
        return f"Plan {point}: nothing moves to the markets", subtitle
    (first, before), (last, after) = filled[0], filled[-1]
    top = next(iter(before), "")
    shares = [numbers.percent(numbers.ratio(totals.get(top, 0.0), sum(totals.values()))) for totals in (before, after)]
    told = f"{country(top)} delivers {shares[0]} in {first} and {shares[1]} in {last}"
    return f"Plan {point} year by year: {told}", subtitle
