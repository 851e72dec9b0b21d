"""Subsidies: what public money changes in the price a buyer pays or in what a project costs its sponsor.

Kinds of ``subsidy_terms``: a ``floor`` that the state pays lifts the floors of the seller's formula off the buyer; a
``production_credit`` lowers the price by its value (USD/kg of the product) times the share passed on; an
``investment_credit`` pays a share of a project's cost; a ``loan`` finances a share of it over a term at a rate below
the discount rate. Only programmes that a case names are paid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from optimizer.chain.instance import Project
from optimizer.chain.records import Row, Tables, number, rows_of
from optimizer.chain.rows import ALL
from optimizer.chain.support_kinds import PricePart, PublicMoney, SubsidyTerm


def terms_of(tables: Tables, programmes: Sequence[str]) -> list[Row]:
    """Give the rows of the named programmes."""
    return [row for row in rows_of(tables, "subsidy_terms") if row["programme"] in programmes]


def public_money(
    paid: Sequence[Row], price_parts: Iterable[PricePart], project_cost_musd: Mapping[str, float]
) -> PublicMoney:
    """Keep what is paid with prices and costs before it, so that both can be recomputed."""
    terms = tuple(
        SubsidyTerm(
            programme=term["programme"],
            kind=term["kind"],
            facility=term["facility"],
            project=term["project"],
            product=term["product"],
            value=number(term, "value"),
            pass_through_share=number(term, "pass_through_share", 1.0),
            term_years=number(term, "term_years", 1.0),
            rate_share=number(term, "rate_share"),
            from_year=int(number(term, "from_year")),
            to_year=int(number(term, "to_year", 9999)),
        )
        for term in paid
    )
    return PublicMoney(terms, tuple(price_parts), project_cost_musd) if terms else PublicMoney()


def _in_years(row: Row, year: int) -> bool:
    return number(row, "from_year") <= year <= number(row, "to_year", 9999)


def without_floors(row: Row, indices: Iterable[Row], terms: Iterable[Row]) -> tuple[Row, list[Row]]:
    """Give an offer's row and its index rows without the floors that a state pays.

    A programme lifts the floor of the index product it names, or (``*``) every floor of the facility's offers.
    """
    paid = {term["product"] for term in terms if term["kind"] == "floor" and term["facility"] in (ALL, row["facility"])}
    lifted = [{**index, "floor_usd_per_kg": None} if {ALL, index["product"]} & paid else index for index in indices]
    return ({**row, "floor_usd_per_kg": None} if {ALL, row["product"]} & paid else row), lifted


def credited(price_usd_per_kg: Mapping[int, float], row: Row, terms: Iterable[Row]) -> dict[int, float]:
    """Give an offer's price by year less the production credits that the seller passes on; never below zero."""
    fitting = [
        term
        for term in terms
        if term["kind"] == "production_credit"
        and term["facility"] in (ALL, row["facility"])
        and term["product"] in (ALL, row["product"])
    ]
    return {
        t: max(0.0, price - sum(_passed_on(term) for term in fitting if _in_years(term, t)))
        for t, price in price_usd_per_kg.items()
    }


def _passed_on(term: Row) -> float:
    return number(term, "value") * number(term, "pass_through_share", 1.0)


def supported(project: Project, terms: Iterable[Row], discount_rate_share: float) -> Project:
    """Give a project at the cost that credits and cheap loans leave to the sponsor (present value of its money)."""
    own = [
        term
        for term in terms
        if term["project"] in (ALL, project.project) and term["facility"] in (ALL, project.facility)
    ]
    relief = sum(number(term, "value") for term in own if term["kind"] == "investment_credit")
    relief += sum(loan_relief(term, discount_rate_share) for term in own if term["kind"] == "loan")
    return replace(project, cost_musd=project.cost_musd * max(0.0, 1.0 - relief)) if relief else project


def loan_relief(term: Row, discount_rate_share: float) -> float:
    r"""Give what a cheap loan is worth today, as a share of the project's cost.

    .. math:: \lambda\,\Big(1 - \frac{a_n(r)}{a_n(i)}\Big), \qquad a_n(x) = \frac{1 - (1+x)^{-n}}{x}

    with the share :math:`\lambda` that is lent over n years at the rate i, and the discount rate r. Never below zero.
    """
    years = number(term, "term_years", 1.0)
    paid_back = annuity(discount_rate_share, years) / annuity(number(term, "rate_share"), years)
    return max(0.0, number(term, "value") * (1.0 - paid_back))


def annuity(rate_share: float, years: float) -> float:
    """Give the present value of one unit a year, paid at each year's end."""
    return years if rate_share == 0 else (1.0 - (1.0 + rate_share) ** -years) / rate_share
