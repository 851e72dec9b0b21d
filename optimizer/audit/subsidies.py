"""Public money: prices and project costs of the instance recomputed from what they were before it, and the programmes.

The rules are stated here anew, from the tables ``subsidies``, ``price_parts`` and ``project_costs`` alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from optimizer.audit.ledger import Ledger, keyed
from optimizer.audit.view import Case, View

ALL = "*"
Term = Mapping[Hashable, Any]


def check_subsidies(view: View, ledger: Ledger) -> None:
    """What a buyer pays and a sponsor spends is what is left after floors, credits and loans."""
    case = view.case
    terms: list[Term] = [*case.tables.get("subsidies", pd.DataFrame()).to_dict("records")]
    _check_prices(case, ledger, terms)
    _check_projects(case, ledger, terms)


def _check_prices(case: Case, ledger: Ledger, terms: list[Term]) -> None:
    parts = case.tables.get("price_parts", pd.DataFrame())
    facility = case.map("offers", "offer", "facility") if len(parts) else {}
    sold = case.map("offers", "offer", "product") if len(parts) else {}
    told = keyed(case.tables["offer_years"], ["offer", "year"], "price_usd_per_kg")
    rows = []
    pairs = parts[["offer", "year"]].drop_duplicates().itertuples(index=False, name=None) if len(parts) else ()
    for offer, year in pairs:
        own = parts[(parts["offer"] == offer) & (parts["year"] == year)]
        mine = [term for term in terms if term["facility"] in (ALL, facility[offer])]
        expected = _price(own, str(sold[offer]), int(year), mine)
        rows.append({"offer": offer, "year": year, "told": float(told[offer, year]), "expected": expected})
    frame = pd.DataFrame(rows, columns=["offer", "year", "told", "expected"])
    off = (frame["told"] - frame["expected"]).astype(float).abs()
    ledger.note("subsidised_prices", frame, off, frame["expected"].astype(float).abs())


def _price(parts: pd.DataFrame, product: str, year: int, terms: list[Term]) -> float:
    """Price of one offer in one year: the formula without the floors a state pays, less the credits passed on."""
    paid = {str(term["product"]) for term in terms if term["kind"] == "floor"}
    fixed, indexed, least = 0.0, 0.0, 0.0
    for part in parts.to_dict("records"):
        index = str(part["product"])
        floor = 0.0 if {ALL, index or product} & paid else float(part["floor_usd_per_kg"])
        if index:
            indexed += float(part["kg_per_kg"]) * max(floor, float(part["price_usd_per_kg"]))
        else:
            fixed, least = float(part["price_usd_per_kg"]), floor
    credit = sum(
        float(term["value"]) * float(term["pass_through_share"])
        for term in terms
        if term["kind"] == "production_credit"
        and term["product"] in (ALL, product)
        and term["from_year"] <= year <= term["to_year"]
    )
    return max(0.0, max(least, fixed + indexed) - credit)


def _check_projects(case: Case, ledger: Ledger, terms: list[Term]) -> None:
    before = case.tables.get("project_costs", pd.DataFrame(columns=["project", "cost_musd"]))
    rows = before.rename(columns={"cost_musd": "before_musd"}).merge(case.tables["projects"], on="project")
    rate = case.number("discount_rate_share")
    left = [
        1.0 - sum(_relief(term, rate) for term in terms if _concerns(term, project, facility))
        for project, facility in zip(rows["project"], rows["facility"], strict=True)
    ]
    rows = rows.assign(expected=rows["before_musd"] * pd.Series(left, index=rows.index, dtype=float).clip(lower=0.0))
    off = (rows["cost_musd"] - rows["expected"]).astype(float).abs()
    ledger.note("subsidised_projects", rows[["project", "cost_musd", "expected"]], off, rows["before_musd"])


def _concerns(term: Term, project: str, facility: str) -> bool:
    return term["project"] in (ALL, project) and term["facility"] in (ALL, facility)


def _relief(term: Term, rate: float) -> float:
    """Share of a project's cost that a programme takes off: a credit, or the gift in a loan below the discount rate."""
    if term["kind"] == "investment_credit":
        return float(term["value"])
    if term["kind"] != "loan":
        return 0.0
    years, interest = float(term["term_years"]), float(term["rate_share"])
    instalment = 1.0 / _annuity(interest, years)
    return max(0.0, float(term["value"]) * (1.0 - instalment * _annuity(rate, years)))


def _annuity(rate: float, years: float) -> float:
    return years if rate == 0 else (1.0 - (1.0 + rate) ** -years) / rate
