"""Qualification: which supplier's product has to be released, when that can be, and what it opens in a shock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import ceil

from optimizer.chain.instance import Facility, Offer, Product, Qualification, Recipe
from optimizer.chain.offers import capacity_per_t
from optimizer.chain.records import Row, Tables, number, rows_of


def matching_row(rows: Iterable[Row], stage: str, form: str) -> Row | None:
    """Give the row for a stage and form: the form itself before ``*``."""
    found = {row["form"]: row for row in rows if row["stage"] == stage and row["form"] in (form, "*")}
    return found.get(form) or found.get("*")


def build_qualification(
    facility: Facility, product: Product, tables: Tables, allowed_years: Sequence[int], years: Sequence[int]
) -> Qualification | None:
    """Build the qualification of a facility's product for all markets; None where no time and no money is needed.

    It can come into force in ``allowed_years``, not before the first year plus the lead time, rounded up. A row of
    ``qualified`` for any market holds it from the start.
    """
    terms = matching_row(rows_of(tables, "qualification_terms"), facility.stage, product.form)
    if terms is None or (number(terms, "lead_time_years") == 0 and number(terms, "cost_musd") == 0):
        return None
    lead = number(terms, "lead_time_years")
    is_held = any(
        row["facility"] == facility.facility and row["product"] == product.product
        for row in rows_of(tables, "qualified")
    )
    first = years[0] + ceil(lead)
    return Qualification(
        qualification=f"{facility.facility}|{product.product}|*",
        facility=facility.facility,
        product=product.product,
        market="*",
        is_held=is_held,
        years=() if is_held else tuple(t for t in years if t >= first and t in allowed_years),
        lead_time_years=lead,
        cost_musd=number(terms, "cost_musd"),
        spot_t={},
        spot_price_usd_per_kg=0.0,
    )


def with_qualification(offer: Offer, qualification: Qualification | None) -> Offer:
    """Tie an offer to its qualification; it cannot start before the qualification can be in force."""
    if qualification is None:
        return offer
    starts = offer.start_years
    if not qualification.is_held:
        first = min(qualification.years, default=None)
        starts = tuple(t for t in starts if first is not None and t >= first)
    return replace(offer, qualification=qualification.qualification, start_years=starts)


def spot_by_year(
    facility: Facility, product: Product, recipes: Iterable[Recipe], depth: Row | None
) -> dict[int, float]:
    """Give what can be bought without a contract in a shock (t/yr of the product) by year; zero years are left out.

    The spot share of the open sale capacity, expressed in the product by the recipe that makes most of it.
    """
    share = number(depth, "spot_share") if depth else 0.0
    makers = [recipe for recipe in recipes if recipe.outputs.get(product.product, 0.0) > 0]
    if not makers or share <= 0:
        return {}
    opened = {t: capacity for t, capacity in facility.open_sale_t.items() if capacity > 0}
    needs = {t: capacity_per_t(makers, product.product, t) or 0.0 for t in opened}
    return {t: share * opened[t] / need for t, need in needs.items() if need > 0}


def with_spot(
    qualification: Qualification, product: Product, depth: Row | None, spot_t: Mapping[int, float]
) -> Qualification:
    """Add spot volume and price (multiple of the reference price) to a qualification."""
    multiple = number(depth, "price_multiple", 1.0) if depth else 1.0
    return replace(qualification, spot_t=spot_t, spot_price_usd_per_kg=multiple * product.reference_price_usd_per_kg)
