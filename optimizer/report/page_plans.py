"""Content of every plan on the page, small enough to hold all plans: portfolio, stock, shares, costs, losses, loads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from optimizer.report.plan_charts import cost_per_kg, event_losses
from optimizer.report.view import NOMINAL, RunView, country, text_of

KINDS = ("sale", "toll", "project", "qualification", "running", "held")
MOST_LOADS = 8
DIGITS = 6

Row = dict[str, Any]


class Plans:
    """Tables grouped once by point, then asked for one plan at a time."""

    def __init__(self, view: RunView) -> None:
        self.view = view
        self.costs = _by_point(cost_per_kg(view))
        self.yearly = _by_point(view.table("costs"))
        self.events = event_order(view)
        self.loads = _by_point(view.table("environment"))
        self.shares = _by_point(view.table("shares"))
        stock = view.table("stock")
        self.stock = _by_point(stock[stock["shock"] == NOMINAL])
        self.deals = _by_point(view.table("commitments"))
        demand = view.given("demand", "market", "year", "demand_t")
        self.demand_t = float(demand["demand_t"].astype(float).sum()) if len(demand) else 0.0
        self.demand = demand

    def plan(self, point: int) -> Row:
        """Everything the page shows of one plan but its map."""
        return {
            "portfolio": portfolio(self.view, point),
            "deals": self._deals(point),
            "stock": self._stock(point),
            "shares": self._shares(point),
            "costs": self._costs(point),
            "losses": self._losses(point),
            "loads": self._loads(point),
        }

    def _deals(self, point: int) -> dict[str, list[list[float]]]:
        """Offer → [year, committed, taken, paid] in tonnes."""
        found: dict[str, list[list[float]]] = {}
        for r in _records(self.deals, point):
            row = [int(r["year"]), *(_short(r[name]) for name in ("committed_t", "lifted_t", "paid_t"))]
            found.setdefault(str(r["offer"]), []).append(row)
        return found

    def _stock(self, point: int) -> list[Row]:
        """Stock held at the ends of years, by place and product."""
        rows = self.stock.get(point)
        if rows is None or rows.empty:
            return []
        sums = rows.groupby(["place", "product", "year"], as_index=False)["stock_t"].sum()
        sums = sums[sums["stock_t"] > 0.05]
        need = self.demand.groupby("market")["demand_t"].mean() if len(self.demand) else pd.Series(dtype=float)
        found = []
        for (place, product), held in sums.groupby(["place", "product"]):
            mean = float(held["stock_t"].sum()) / self.view.years
            yearly = float(need.get(place, 0.0))
            years = [[int(y), _short(t)] for y, t in zip(held["year"], held["stock_t"], strict=True)]
            days = _short(365.0 * mean / yearly) if yearly else None
            found.append({"place": str(place), "product": str(product), "mean": _short(mean), "days": days,
                          "years": years})  # fmt: skip
        return found

    def _shares(self, point: int) -> list[list[Any]]:
        """[stage, country, share], stages in the order of the chain, largest share first."""
        order = {stage: k for k, stage in enumerate(self.view.stages)}
        rows = [
            (order.get(str(r["stage"]), 99), -float(r["flow_share"]), country(r["country_iso3"]), str(r["stage"]))
            for r in _records(self.shares, point) if float(r["flow_share"]) > 0.0005
        ]  # fmt: skip
        return [[stage, name, _short(-share)] for _, share, name, stage in sorted(rows)]

    def _costs(self, point: int) -> list[list[Any]]:
        """[term, USD/kg, MUSD, [[year, MUSD]…]] by size."""
        years: dict[str, list[list[float]]] = {}
        for r in _records(self.yearly, point):
            years.setdefault(str(r["term"]), []).append([int(r["year"]), _short(r["cost_musd"])])
        rows = [
            [str(r["term"]), _short(r["usd_per_kg"]), _short(r["cost_musd"]), years.get(str(r["term"]), [])]
            for r in _records(self.costs, point)
        ]
        return sorted(rows, key=lambda row: (-abs(row[1]), row[0]))

    def _losses(self, point: int) -> list[list[Any]]:
        """Per event: [event, worst start year, months, survive, recover, [[start year, months]…]]."""
        frame = event_losses(self.view, point).sort_values(["loss_months", "shock"], ascending=[False, True])
        found: dict[str, list[Any]] = {}
        for r in frame.to_dict("records"):
            event, start = str(r["event"]), _year(r["start_year"])
            if event not in found:
                times = (_short(r["survive_months"]), _short(r["recover_months"]))
                found[event] = [event, start, _short(r["loss_months"]), *times, []]
            if start is not None:
                found[event][5].append([start, _short(r["loss_months"])])
        return list(found.values())

    def _loads(self, point: int) -> dict[str, Row]:
        """Indicator → total, unit, largest places and how much of it they are."""
        found: dict[str, Row] = {}
        for r in sorted(_records(self.loads, point), key=lambda r: -float(r["value"])):
            entry = found.setdefault(str(r["indicator"]), {"unit": str(r["unit"]), "total": 0.0, "rows": []})
            entry["total"] = _short(entry["total"] + float(r["value"]))
            if len(entry["rows"]) < MOST_LOADS and float(r["value"]) > 0.0:
                entry["rows"].append([str(r["facility"]), _short(r["value"])])
        return dict(sorted(found.items()))


def event_order(view: RunView) -> dict[str, Row]:
    """Event → name, rate, and the sentences its stories share whatever year it starts in."""
    found: dict[str, Row] = {}
    stories: dict[str, list[str]] = {}
    for r in view.table("shocks").to_dict("records"):
        event = text_of(r["event"]) or text_of(r["shock"])
        stories.setdefault(event, []).append(text_of(r["story"]))
        found.setdefault(event, {"name": text_of(r["name"]) or event, "rate": _short(r["rate_per_year"])})
    return {event: entry | {"story": _shared(stories[event])} for event, entry in found.items()}


def _shared(stories: list[str]) -> str:
    """Sentences that open all stories; the first story if there is no such sentence."""
    told = [story.split(". ") for story in stories]
    same = [first for first, *others in zip(*told, strict=False) if all(other == first for other in others)]
    return ". ".join(same).rstrip(".") + "." if same and any(same) else stories[0]


def portfolio(view: RunView, point: int) -> list[Row]:
    """What a plan signs, sponsors, qualifies and holds, in the order a buyer lists it."""
    leads = _leads(view)
    rows = []
    for r in view.of_point("portfolio", point).to_dict("records"):
        kind, volume = str(r["kind"]), float(r["committed_t_per_year"] or 0.0)
        rows.append(
            {
                "kind": kind, "id": str(r["offer"]), "facility": str(r["facility"]), "product": text_of(r["product"]),
                "stage": text_of(r["stage"]), "country": country(r["country_iso3"]), "from": int(r["start_year"]),
                "to": int(r["end_year"]), "t": _short(volume) if volume > 0 else None,
                "lead": leads.get((kind, str(r["offer"])), 0.0),
            }
        )  # fmt: skip
    order = {kind: k for k, kind in enumerate(KINDS)}

    def place(row: Row) -> tuple[Any, ...]:
        return order.get(row["kind"], 99), view.name(row["facility"]), row["from"], row["product"], row["id"]

    return sorted(rows, key=place)


def _leads(view: RunView) -> dict[tuple[str, str], float]:
    """Years of preparation before a qualification is in force."""
    frame = view.given("qualifications", "qualification", "lead_time_years")
    rows = zip(frame["qualification"], frame["lead_time_years"], strict=True)
    return {("qualification", str(key)): _short(lead) for key, lead in rows if lead == lead}


def names_used(view: RunView, plans: Iterable[Row]) -> dict[str, str]:
    """Key → name of every place and product the plans speak of."""
    keys: set[str] = set()
    for plan in plans:
        keys |= {row[name] for row in plan["portfolio"] for name in ("facility", "product")}
        keys |= {row[name] for row in plan["stock"] for name in ("place", "product")}
        keys |= {row[0] for load in plan["loads"].values() for row in load["rows"]}
    return {key: view.name(key) for key in sorted(keys) if key and view.name(key) != key}


def _by_point(frame: pd.DataFrame) -> dict[int, pd.DataFrame]:
    return {int(str(point)): rows for point, rows in frame.groupby("point")} if len(frame) else {}


def _records(groups: dict[int, pd.DataFrame], point: int) -> list[dict[Any, Any]]:
    return groups[point].to_dict("records") if point in groups else []


def _short(value: object) -> float:
    """A figure to six digits; 0 for missing."""
    number = float(str(value)) if value is not None and value is not pd.NA else 0.0
    return float(f"{number:.{DIGITS}g}") if number == number else 0.0


def _year(value: object) -> int | None:
    return None if value is None or value is pd.NA or value != value else int(str(value).split(".")[0])
