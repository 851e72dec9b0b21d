"""Public money in an instance: what is paid, and prices and costs before it, so that anyone can recompute them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SubsidyTerm:
    """One row of ``subsidy_terms`` that is paid.

    ``value`` is USD/kg of the product for a floor or a production credit, else a share of the project's cost;
    ``rate_share`` the real interest of a loan over ``term_years``.
    """

    programme: str
    kind: str
    facility: str
    project: str
    product: str
    value: float
    pass_through_share: float
    term_years: float
    rate_share: float
    from_year: int
    to_year: int


@dataclass(frozen=True, slots=True)
class PricePart:
    """A part of an offer's price in a year, before public money.

    Of an index, ``kg_per_kg`` counts at the larger of its price and its floor, USD/kg. The part without a product is
    what is fixed; its floor is that of the whole price.
    """

    offer: str
    year: int
    product: str
    market: str
    kg_per_kg: float
    price_usd_per_kg: float
    floor_usd_per_kg: float


@dataclass(frozen=True, slots=True)
class PublicMoney:
    """Programmes that are paid, with the prices of the offers and the costs (MUSD) of the projects they may concern."""

    terms: tuple[SubsidyTerm, ...] = ()
    price_parts: tuple[PricePart, ...] = ()
    project_cost_musd: Mapping[str, float] = field(default_factory=dict)
