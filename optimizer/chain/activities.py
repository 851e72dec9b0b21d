"""Environmental rules on activities: who may process what, until when, and what restoring the land costs.

A row of ``activity_rules`` closes a route at the plants it names: outright, or for feed in which an indicator (thorium
and uranium, say) is above a value, from a year on. A rule counts for a year if it is in force in its middle; the table
gives first and last year in that sense. What a feed holds is a row of ``feed_properties``; an ore in the ground has
form ``*``. A feed the tables say nothing about is not held to be above any value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from optimizer.chain.instance import Facility, Product, Recipe
from optimizer.chain.records import Row, Tables, number, rows_of
from optimizer.chain.rows import ALL

Members = Callable[[str], frozenset[str]]
Ores = Mapping[str, str | None]
"""Facility → ore in its ground."""


@dataclass(frozen=True)
class ActivityRules:
    """Rules a case names, with what they have to be asked about.

    Attributes:
        rules: rows of ``activity_rules`` that bind.
        values: (ore, form, indicator) → what the feed holds.
        ores: facility → ore in its ground.
        restoration: rows of ``restoration_costs`` that are counted.
    """

    rules: tuple[Row, ...]
    values: Mapping[tuple[str, str, str], float]
    ores: Ores
    restoration: tuple[Row, ...]
    facilities: Mapping[str, Facility]
    products: Mapping[str, Product]
    years: tuple[int, ...]
    members: Members

    def applied(self, recipe: Recipe) -> Recipe | None:
        """Give a recipe with the years in which it is forbidden and its cost of restoration; None if in all."""
        facility = self.facilities[recipe.facility]
        closed = frozenset(
            t
            for row in self.rules
            if _names(row, facility, recipe.route, self.members) and self._is_above(row, recipe)
            for t in self.years
            if number(row, "from_year") <= t <= number(row, "to_year", 9999)
        )
        if closed.issuperset(self.years):
            return None
        cost = self._restoration(recipe, facility)
        return replace(recipe, closed_years=closed, restoration_usd_per_t=cost) if closed or cost else recipe

    def _is_above(self, row: Row, recipe: Recipe) -> bool:
        """Say whether any feed is above the value of a rule; a rule without a value closes every feed."""
        if row.get("max_value") is None:
            return True
        feeds = [(self.products[p].ore or "", self.products[p].form) for p in recipe.inputs]
        feeds = feeds or [(self.ores.get(recipe.facility) or "", ALL)]
        held = [self.values.get((ore, form, row["indicator"]), 0.0) for ore, form in feeds]
        return max(held, default=0.0) > number(row, "max_value")

    def _restoration(self, recipe: Recipe, facility: Facility) -> float:
        """Give the cost of restoring land per t of throughput; the row that names most counts."""
        fitting = [
            row
            for row in self.restoration
            if row["facility"] in (ALL, recipe.facility)
            and row["country"] in (ALL, facility.country_iso3)
            and row["route"] in (ALL, recipe.route)
        ]
        best = max(fitting, key=_rank, default=None)
        return 0.0 if best is None else number(best, "usd_per_t")


def activity_rules(
    tables: Tables,
    environment: Any,
    facilities: Mapping[str, Facility],
    products: Mapping[str, Product],
    years: Sequence[int],
    members: Members,
) -> ActivityRules:
    """Read the rules that the section ``environment`` of a case names."""
    named = [row for row in rows_of(tables, "activity_rules") if row["rule"] in environment.rules]
    held = rows_of(tables, "feed_properties") if named else []
    return ActivityRules(
        rules=tuple(named),
        values={(row["ore"], row["form"], row["indicator"]): number(row, "value") for row in held},
        ores={row["facility"]: row.get("ore") for row in rows_of(tables, "facilities")},
        restoration=tuple(rows_of(tables, "restoration_costs")) if environment.restoration else (),
        facilities=facilities,
        products=products,
        years=tuple(years),
        members=members,
    )


def _names(row: Row, facility: Facility, route: str, members: Members) -> bool:
    """Say whether a row is about a route at a facility; ``*`` stands for all."""
    return (
        row["facility"] in (ALL, facility.facility)
        and row["stage"] in (ALL, facility.stage)
        and row["route"] in (ALL, route)
        and (row["country"] == ALL or facility.country_iso3 in members(row["country"]))
    )


def _rank(row: Row) -> tuple[bool, bool, bool]:
    return (row["facility"] != ALL, row["country"] != ALL, row["route"] != ALL)
