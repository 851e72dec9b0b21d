"""Learning of yields: what a new plant makes of its feed and capacity in its first years.

The table ``yield_learning`` gives, by stage, route and country, the output of a plant's first calendar years of
operation as a share of the mature yield. All products of a conversion fall short alike; what is missing is lost. A
plant with a start year learns from that year. A plant that stands only by sponsored projects learns from the first year
in which they are up: there the entitlement is lowered instead, since the year is a decision. Expansions of plants that
have learnt start at the mature yield.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from optimizer.chain.instance import Facility, Project, Recipe
from optimizer.chain.records import Tables, number, rows_of
from optimizer.chain.rows import ALL

Curve = Mapping[int, float]
"""Calendar year of operation, the first is 1 → share of the mature yield."""


@dataclass(frozen=True)
class YieldLearning:
    """Curves of the table, and what has to be asked about plants.

    Attributes:
        curves: (stage, route, country or group) → curve.
        covers: whether a country or group covers a country.
        specificity: sort key of a country, a group or ``*``; a country is the most specific.
    """

    curves: Mapping[tuple[str, str, str], Curve]
    covers: Callable[[str, str], bool]
    specificity: Callable[[str], tuple[int, int]]

    def curve(self, facility: Facility, route: str) -> Curve:
        """Give the curve that names most of country, route and stage; empty where none fits."""
        fitting = [
            key
            for key in self.curves
            if key[0] in (ALL, facility.stage) and key[1] in (ALL, route) and self.covers(key[2], facility.country_iso3)
        ]
        best = max(fitting, key=self._rank, default=None)
        return {} if best is None else self.curves[best]

    def _rank(self, key: tuple[str, str, str]) -> tuple[tuple[int, int], bool, bool, str]:
        return (self.specificity(key[2]), key[1] != ALL, key[0] != ALL, key[2])

    def learnt(self, recipe: Recipe, facility: Facility, years: Sequence[int]) -> Recipe:
        """Give a recipe with its yields in the years in which its plant still learns."""
        if facility.start_year is None:
            return recipe
        curve = self.curve(facility, recipe.route)
        shares = {t: share_in(curve, t - facility.start_year + 1) for t in years}
        low = {t: share for t, share in shares.items() if share < 1.0}
        return replace(recipe, yield_share=low) if low else recipe

    def lowered(self, project: Project, facility: Facility, routes: Iterable[str]) -> Project:
        """Give a project at a plant without a start year with its entitlement as far as the yield carries it.

        Of several routes the slowest counts.
        """
        if facility.start_year is not None:
            return project
        curves = [self.curve(facility, route) for route in sorted(routes)]
        first = next((age for age, share in enumerate(project.profile) if share > 0), 0)
        ages = enumerate(project.profile)
        return replace(
            project,
            profile=tuple(
                up * min((share_in(curve, age - first + 1) for curve in curves), default=1.0) for age, up in ages
            ),
        )


def share_in(curve: Curve, year_of_operation: int) -> float:
    """Give the share of the mature yield in a year of operation: 1 after the last row, the first row before it."""
    if not curve or year_of_operation > max(curve):
        return 1.0
    known = [year for year in curve if year <= year_of_operation]
    return curve[max(known)] if known else curve[min(curve)]


def yield_learning(
    tables: Tables, covers: Callable[[str, str], bool], specificity: Callable[[str], tuple[int, int]]
) -> YieldLearning:
    """Read the curves of the table ``yield_learning``."""
    curves: dict[tuple[str, str, str], dict[int, float]] = defaultdict(dict)
    for row in rows_of(tables, "yield_learning"):
        curves[row["stage"], row["route"], row["country"]][int(row["year_of_operation"])] = number(row, "yield_share")
    return YieldLearning(dict(curves), covers, specificity)
