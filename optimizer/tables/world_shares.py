"""Shares of countries in world output by stage: what the tables give, against what is reported.

Reported shares stand in ``world_shares`` (with what of the tables they count) and follow from ``country_production``.
Where the two are more than :data:`TOLERANCE` apart, the row must say why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from optimizer.errors import Problem
from optimizer.tables.read import Row
from optimizer.tables.view import View, at, number
from optimizer.tables.world_balance import Balance
from optimizer.tables.world_chain import WorldChain, base_year

TOLERANCE = 0.05
"""Difference of shares that needs no explanation: 5 points."""

_RECENT_YEARS = 1
"""Reported shares up to this many years before the base year are compared."""

_THROUGHPUT = "throughput"
_WHOLE, _REST = "WLD", "ROW"


@dataclass(frozen=True)
class Comparison:
    """A reported share beside that of the tables; ``row`` is the one it was reported in."""

    stage: str
    counts: str
    country_iso3: str
    year: int
    reported_share: float
    table_share: float
    why_apart: str
    source_id: str
    row: Row

    @property
    def points(self) -> float:
        """Tables less report, in points of per cent."""
        return 100.0 * (self.table_share - self.reported_share)

    @property
    def is_apart(self) -> bool:
        """Whether they differ by more than the tolerance."""
        return abs(self.table_share - self.reported_share) > TOLERANCE


def compare_shares(view: View) -> list[Comparison]:
    """Return every recent reported share beside that of the tables in the base year."""
    year = base_year(view)
    if year is None:
        return []
    balance = Balance(WorldChain(view, year))
    recent = [
        row
        for row in view.rows("world_shares")
        if row["counts"] and year - _RECENT_YEARS <= int(number(row, "year") or 0) <= year
    ]
    made = {
        (str(row["stage"]), str(row["counts"])): _by_country(balance, str(row["stage"]), str(row["counts"]))
        for row in recent
    }
    compared = [_comparison(row, made, recent) for row in recent]
    return compared + list(_mining(view, balance, year))


def _by_country(balance: Balance, stage: str, counts: str) -> Mapping[str, float]:
    """Tonnes of the base year by country: throughput of a stage, or what separators make of some products."""
    chain = balance.chain
    made: dict[str, float] = {}
    if counts == _THROUGHPUT:
        amounts = {plant: chain.output(plant) for plant, row in chain.plants.items() if row["stage"] == stage}
    else:
        amounts = {}
        for product in counts.split(";"):
            for plant, tonnes in balance.separated(product).items():
                amounts[plant] = amounts.get(plant, 0.0) + tonnes
    for plant, tonnes in amounts.items():
        country = str(chain.plants[plant]["country_iso3"])
        made[country] = made.get(country, 0.0) + tonnes
    return made


def _comparison(row: Row, made: Mapping[tuple[str, str], Mapping[str, float]], recent: list[Row]) -> Comparison:
    stage, counts, country = str(row["stage"]), str(row["counts"]), str(row["country_iso3"])
    tonnes = made[stage, counts]
    total = sum(tonnes.values()) or 1.0
    named = {
        str(other["country_iso3"])
        for other in recent
        if (other["stage"], other["counts"], other["year"]) == (row["stage"], row["counts"], row["year"])
    }
    share = tonnes.get(country, 0.0) / total
    if country == _REST:
        share = sum(amount for name, amount in tonnes.items() if name not in named) / total
    year, reported = int(number(row, "year") or 0), number(row, "reported_share") or 0.0
    why = str(row["why_apart"] or "")
    return Comparison(stage, counts, country, year, reported, share, why, str(row["source_id"]), row)


def _mining(view: View, balance: Balance, year: int) -> Iterator[Comparison]:
    """Shares of mine production as they follow from what is reported by country for the base year."""
    rows = [row for row in view.rows("country_production") if number(row, "year") == year]
    reported = {str(row["country_iso3"]): row for row in rows if row["country_iso3"] != _WHOLE}
    amounts = {country: number(row, "mine_production_t_reo") or 0.0 for country, row in reported.items()}
    total = sum(amounts.values())
    stage = view.stages[0]
    tonnes = _by_country(balance, stage, _THROUGHPUT)
    whole = sum(tonnes.values()) or 1.0
    for country, row in reported.items():
        ours, theirs = tonnes.get(country, 0.0) / whole, amounts[country] / (total or 1.0)
        why = str(row["why_apart"] or "")
        yield Comparison(stage, _THROUGHPUT, country, year, theirs, ours, why, str(row["source_id"]), row)


def share_problems(view: View) -> Iterator[Problem]:
    """Yield shares that are too far apart without an explanation (T063)."""
    for found in compare_shares(view):
        if found.is_apart and not found.why_apart:
            place = f"{found.stage} {found.country_iso3} {found.year}"
            told = (
                f"{place}: {100 * found.reported_share:.1f} % reported, {100 * found.table_share:.1f} % in the tables"
            )
            remedy = "find which is wrong and mend it, or say in `why_apart` what the difference is"
            yield at(found.row, "T063", "why_apart", f"within {100 * TOLERANCE:.0f} points", remedy, told)
