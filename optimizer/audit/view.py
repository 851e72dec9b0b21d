"""One point's result tables beside the instance's tables, with what several checks need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

import optimizer.frames  # noqa: F401
from optimizer.audit.ledger import keyed

NOMINAL = "nominal"
WHEN = ["shock", "period", "year"]
Tables = Mapping[str, pd.DataFrame]


def column_of(frame: pd.DataFrame, name: str, default: float) -> pd.Series:
    """A column, or a default where the tables are from before it was added."""
    return frame[name] if name in frame else pd.Series(default, index=frame.index)


@dataclass(frozen=True)
class Case:
    """The instance's tables.

    ``states`` has one row per nominal year and per period of a shock, with ``order, months, share_of_year``; its
    ``year`` is the year whose contracts and capacities hold, ``order`` counts periods of a shock from 0.
    """

    tables: Tables

    @cached_property
    def settings(self) -> dict[str, str]:
        """Settings by key, as text."""
        return {str(key): str(value) for key, value in keyed(self.tables["settings"], ["key"], "value").items()}

    def number(self, key: str, default: float = 0.0) -> float:
        """A setting as a number."""
        text = self.settings.get(key, "")
        return float(text) if text not in ("", "None", "nan") else default

    def is_on(self, key: str) -> bool:
        """A setting as a flag."""
        return self.settings.get(key, "").lower() in ("true", "1")

    @cached_property
    def years(self) -> list[int]:
        """Years of the horizon."""
        return list(range(int(self.number("first_year")), int(self.number("last_year")) + 1))

    @cached_property
    def discount(self) -> dict[int, float]:
        """Mid-year discount factors from the rate."""
        rate = self.number("discount_rate_share")
        return {year: (1.0 + rate) ** -(year - self.years[0] + 0.5) for year in self.years}

    @cached_property
    def states(self) -> pd.DataFrame:
        """Nominal years and periods of shocks."""
        nominal = pd.DataFrame({"year": self.years}).assign(
            shock=NOMINAL, period=0, order=0, months=12.0, first_month=0.0
        )
        shocked = self.tables["shock_periods"].sort_values(["shock", "first_month"])
        shocked = shocked.assign(
            order=shocked.groupby("shock").cumcount(), year=shocked["year"].clip(upper=self.years[-1])
        )
        states = pd.concat([nominal, shocked[nominal.columns]] if len(shocked) else [nominal], ignore_index=True)
        return states.assign(share_of_year=states["months"] / 12.0)

    @cached_property
    def unclassed(self) -> set[str]:
        """Shocks whose rows do not tell origin classes apart: no market and no cut lane depends on one."""
        if (self.tables["demand"]["forbidden_bits"].astype(int) != 0).any():
            return set()
        if (column_of(self.tables["lane_years"], "barred_bits", 0).astype(int) != 0).any():
            return set()
        cut = self.tables["lane_shares"]
        return set(self.tables["shocks"]["shock"]) - set(cut.loc[cut["origin_bit"].astype(int) != 0, "shock"])

    @cached_property
    def made(self) -> pd.DataFrame:
        """``recipe, product, year, t_per_t``: output per t of throughput, lower while a plant still learns."""
        outputs = self.tables["recipe_flows"].query("direction == 'output'")[["recipe", "product", "t_per_t"]]
        rows = outputs.merge(pd.DataFrame({"year": self.years}), how="cross")
        low = self.tables.get("recipe_yields")
        if low is None or low.empty:
            return rows
        rows = rows.merge(low, on=["recipe", "year"], how="left")
        return rows.assign(t_per_t=rows["t_per_t"] * rows["yield_share"].fillna(1.0)).drop(columns="yield_share")

    @cached_property
    def facility_shares(self) -> pd.DataFrame:
        """``shock, facility, period, open_share`` below 1."""
        return self.tables["facility_shares"][["shock", "facility", "period", "open_share"]]

    def map(self, table: str, key: str, column: str) -> dict[Any, Any]:
        """Look-up from one key column to another column of an instance table."""
        return keyed(self.tables[table], [key], column)

    @cached_property
    def toll_recipes(self) -> dict[str, tuple[str, ...]]:
        """Toll offer → recipes it may run: those of its route at its facility that make its product for the buyer."""
        recipes, flows = self.tables["recipes"], self.tables["recipe_flows"]
        made = flows[flows["direction"] == "output"].groupby("product")["recipe"].agg(set).to_dict()
        routes = keyed(recipes, ["recipe"], "route")
        found: dict[str, tuple[str, ...]] = {}
        for offer in self.tables["offers"].query("kind == 'toll'").itertuples():
            route = routes.get(offer.recipe, offer.recipe)
            mine = recipes[(recipes["facility"] == offer.facility) & (recipes["route"] == route)]
            mine = mine[mine["layers"].str.split(";").map(lambda layers: "buyer" in layers)]
            found[str(offer.offer)] = tuple(sorted(set(mine["recipe"]) & made.get(offer.product, set())))
        return found


@dataclass(frozen=True)
class View:
    """One point of a run: its rows of the result tables, and the case."""

    point: int
    results: Tables
    case: Case

    def nominal(self, table: str) -> pd.DataFrame:
        """Rows of the nominal plan."""
        frame = self.results[table]
        return frame[frame["shock"] == NOMINAL]

    def shocked(self, table: str) -> pd.DataFrame:
        """Rows of all shocks."""
        frame = self.results[table]
        return frame[frame["shock"] != NOMINAL]

    @cached_property
    def qualified_from(self) -> dict[str, int]:
        """Qualification → first year in force (held ones from before the horizon)."""
        rows = self.results["portfolio"]
        rows = rows[rows["kind"].isin(["held", "qualification"])]
        starts = np.where(rows["kind"] == "held", -(10**6), rows["start_year"])
        found = pd.DataFrame({"offer": rows["offer"], "start": starts}).groupby("offer")["start"].min()
        return {str(name): int(start) for name, start in found.items()}

    @cached_property
    def active(self) -> pd.DataFrame:
        """``offer, year, count``: new contracts in force, by their starts and the offer's term."""
        signed = self.results["portfolio"].query("kind in ['sale', 'toll']")
        terms = self.case.map("offers", "offer", "term_years")
        rows = [
            (offer, year)
            for offer, start in zip(signed["offer"], signed["start_year"], strict=True)
            for year in self.case.years
            if start <= year < start + int(str(terms.get(offer, 0)))
        ]
        frame = pd.DataFrame(rows, columns=["offer", "year"]).astype({"year": "int64"})
        return frame.groupby(["offer", "year"], as_index=False).size().rename(columns={"size": "count"})

    @cached_property
    def entitlements(self) -> pd.DataFrame:
        """``facility, year, entitlement_t``: capacity that sponsored projects have brought up."""
        full_of = self.case.map("projects", "project", "entitlement_t_per_year")
        facility_of = self.case.map("projects", "project", "facility")
        profile = {str(k): list(v.sort_values("age")["share"]) for k, v in self._profiles()}
        rows = []
        for name, start in self.results["portfolio"].query("kind == 'project'")[["offer", "start_year"]].to_numpy():
            shares = profile.get(name, [])
            if name not in full_of or not shares:
                continue
            full, facility = full_of[name], facility_of[name]
            for year in self.case.years:
                if year >= start:
                    rows.append((facility, year, full * shares[min(year - start, len(shares) - 1)]))
        frame = pd.DataFrame(rows, columns=["facility", "year", "entitlement_t"]).astype({"year": "int64"})
        return frame.groupby(["facility", "year"], as_index=False)[["entitlement_t"]].sum()

    def _profiles(self) -> list[tuple[object, pd.DataFrame]]:
        return list(self.case.tables["project_profile"].groupby("project"))

    @cached_property
    def lifted(self) -> pd.DataFrame:
        """``shock, period, year, offer, lifted_t``: sale deliveries per offer in every state."""
        sales = self.results["deliveries"].query("kind == 'sale'")
        sums = sales.groupby([*WHEN, "offer"], as_index=False)[["delivered_t"]].sum()
        return sums.rename(columns={"delivered_t": "lifted_t"})

    @cached_property
    def tolled(self) -> pd.DataFrame:
        """``shock, period, year, group, product, lifted_t``: main output per group of recipes under toll offers."""
        products = self.case.map("offers", "offer", "product")
        pairs = sorted({(group, str(products[offer])) for offer, group in self.case.toll_recipes.items()})
        members = [(";".join(group), product, recipe) for group, product in pairs for recipe in dict.fromkeys(group)]
        made = self.case.made[["product", "recipe", "year", "t_per_t"]]
        run = self.results["throughput"].query("layer == 'buyer'")[[*WHEN, "recipe", "throughput_t"]]
        mine = pd.DataFrame(members, columns=["group", "product", "recipe"], dtype=object)
        mine = mine.merge(made, on=["product", "recipe"]).merge(run, on=["recipe", "year"])
        mine = mine.assign(lifted_t=mine["t_per_t"].astype(float) * mine["throughput_t"])
        return mine.groupby([*WHEN, "group", "product"], as_index=False)[["lifted_t"]].sum()
