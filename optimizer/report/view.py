"""What charts and pages ask of a run: title, names, points, and rows of one plan."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import pandas as pd

from optimizer.errors import UsageProblem
from optimizer.report.frontier_curves import knee
from optimizer.results.folder import RunTables
from optimizer.results.schema import TABLES
from optimizer.tables.locate import data_root

NOMINAL = "nominal"
NOTHING = 1e-5
"""Months of loss below this are rounding of the solver."""


@dataclass(frozen=True)
class RunView:
    """A run, read for drawing. Tables that are missing count as empty."""

    run: RunTables

    def table(self, name: str) -> pd.DataFrame:
        """Result table; with the columns of its schema and no rows if the run has none."""
        frame = self.run.tables.get(name)
        return pd.DataFrame(columns=list(TABLES[name].columns)) if frame is None or frame.empty else frame

    def given(self, name: str, *columns: str) -> pd.DataFrame:
        """Input table; with ``columns`` and no rows if there is none."""
        frame = self.run.inputs.get(name)
        return pd.DataFrame(columns=list(columns)) if frame is None else frame

    @property
    def title(self) -> str:
        """Title of the case, or its name."""
        return str(self.run.manifest.get("title") or self.run.manifest.get("case") or "Sourcing plans")

    @property
    def question(self) -> str:
        """Question the case asks; may be empty."""
        return str(self.run.manifest.get("question") or "")

    @cached_property
    def frontier(self) -> pd.DataFrame:
        """Frontier by point, from the cheapest."""
        return self.table("frontier").sort_values("point", ignore_index=True)

    @property
    def points(self) -> list[int]:
        """Numbers of the points."""
        return [int(point) for point in self.frontier["point"]]

    @cached_property
    def recommended(self) -> int:
        """Point at the knee of the frontier (see ``knee``)."""
        return self.points[knee(self.frontier["loss_months"].tolist(), self.frontier["cost_musd"].tolist())]

    def chosen(self, point: int | None) -> int:
        """The point asked for, or the recommended one.

        Raises:
            UsageProblem: if the run has no such point, or none at all.
        """
        if not self.points:
            raise UsageProblem(f"{self.run.path} has no plan to draw")
        if point is None:
            return self.recommended
        if point not in self.points:
            raise UsageProblem(f"there is no point {point}; the run has {', '.join(map(str, self.points))}")
        return point

    def row(self, point: int) -> dict[str, float]:
        """Figures of a point on the frontier."""
        found = self.frontier[self.frontier["point"] == point].iloc[0]
        numbers = ("cost_musd", "loss_months", "cost_bound_musd", "gap_share", "worst_loss_months", "cost_usd_per_kg")
        return {name: float(found[name]) for name in numbers}

    def of_point(self, name: str, point: int) -> pd.DataFrame:
        """Rows of a result table that belong to a point."""
        frame = self.table(name)
        return frame[frame["point"] == point]

    @cached_property
    def stages(self) -> list[str]:
        """Stages in the order of the chain."""
        frame = self.given("stages", "position", "stage").sort_values("position")
        return list(dict.fromkeys([*map(str, frame["stage"]), *map(str, self.facilities["stage"])]))

    @cached_property
    def facilities(self) -> pd.DataFrame:
        """Facilities of the instance."""
        return self.given(
            "facilities", "facility", "name", "operator", "country_iso3", "latitude", "longitude", "stage", "status"
        )

    @cached_property
    def markets(self) -> pd.DataFrame:
        """Markets of the instance."""
        return self.given("markets", "market", "name", "country_iso3", "latitude", "longitude")

    @cached_property
    def names(self) -> dict[str, str]:
        """Facility, market or product → name; products do not hide places of the same key."""
        pairs: dict[str, str] = {}
        for table, key in (("products", "product"), ("markets", "market"), ("facilities", "facility")):
            frame = self.given(table, key, "name")
            pairs |= {str(k): text_of(v) or str(k) for k, v in zip(frame[key], frame["name"], strict=True)}
        return pairs

    def name(self, key: object) -> str:
        """Name of a facility, market or product; the key itself if it has none."""
        return self.names.get(str(key), str(key))

    def setting(self, key: str) -> str:
        """Setting of the instance; empty if not recorded."""
        frame = self.given("settings", "key", "value")
        found = frame.loc[frame["key"] == key, "value"]
        return str(found.iloc[0]) if len(found) else ""

    @property
    def years(self) -> int:
        """Length of the horizon in years, at least one."""
        first, last = self.setting("first_year"), self.setting("last_year")
        if first and last:
            return int(last) - int(first) + 1
        return max(1, self.table("flows")["year"].nunique())

    @property
    def measure(self) -> str:
        """The resilience measure in a reader's words."""
        kind = str(self.run.manifest.get("measure", {}).get("kind", ""))
        tail = 1 - float(self.run.manifest.get("measure", {}).get("alpha") or 0)
        return {
            "cvar_by_start_year": f"mean of the worst {100 * tail:.0f} % of shocks, start years averaged",
            "cvar": f"mean of the worst {100 * tail:.0f} % of shocks",
            "worst_case": "worst shock",
            "expected": "rate-weighted mean of all shocks",
        }.get(kind, "over all shocks of the case")


def text_of(value: object) -> str:
    """A cell as text; empty for missing."""
    return "" if value is None or value is pd.NA or value != value else str(value)


def spoken(key: str) -> str:
    """A key as words: underscores and hyphens become blanks."""
    return key.replace("_", " ").replace("-", " ")


@lru_cache(maxsize=1)
def country_names() -> dict[str, str]:
    """ISO code → name, from the shared tables; empty without them."""
    file = data_root() / "countries.csv"
    if not file.is_file():
        return {}
    with file.open(encoding="utf-8", newline="") as stream:
        return {row["country_iso3"]: row.get("name") or row["country_iso3"] for row in csv.DictReader(stream)}


def country(code: object) -> str:
    """Name of a country; its code if the tables do not name it."""
    return country_names().get(str(code), str(code))


def listed(words: Iterable[str], most: int = 4) -> str:
    """Words as "a, b and c"; beyond ``most`` as "a, b and 3 more"."""
    items = list(words)
    if len(items) > most:
        items = [*items[: most - 1], f"{len(items) - most + 1} more"]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else "none"
