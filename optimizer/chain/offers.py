"""Offers: prices by year, start years, running contracts, and volumes no larger than the buyer could use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from optimizer.chain.instance import Facility, Market, Offer, Project, Recipe, Storage
from optimizer.chain.records import Row, Tables, interpolate, number, rows_of
from optimizer.chain.subsidies import credited, without_floors
from optimizer.chain.support_kinds import PricePart
from optimizer.errors import Problem

COMMITMENT_MARGIN = 1.4
"""Commitment over largest use that is still allowed: cover for a supplier that loses up to 2/7 of its output."""

DECK_COLUMNS = {"low": "low_usd_per_kg", "base": "base_usd_per_kg", "high": "high_usd_per_kg"}
FIXED_COLUMNS = {"low": "price_low_usd_per_kg", "base": "price_usd_per_kg", "high": "price_high_usd_per_kg"}


class PriceDeck:
    """One of the decks of the table ``prices``: USD/kg by product, price region and year."""

    def __init__(self, tables: Tables, deck: str) -> None:
        self.deck = deck
        self._points: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
        for row in rows_of(tables, "prices"):
            self._points[row["product"], row["market"]][row["year"]] = number(row, DECK_COLUMNS[deck])

    def has(self, product: str, market: str) -> bool:
        """Say whether the deck has a price of a product in a region."""
        return (product, market) in self._points

    def price_usd_per_kg(self, product: str, market: str, year: int) -> float:
        """Give a price: straight lines between the years given, held before and after."""
        return interpolate(self._points[product, market], year)


def price_by_year(
    row: Row, indices: Iterable[Row], deck: PriceDeck, years: Sequence[int]
) -> tuple[dict[int, float], list[Problem]]:
    """Give an offer's price by year, USD/kg, and index terms the deck does not know.

    price = max(floor, fixed part + sum of kg_per_kg x max(floor of the term, deck price)). The fixed part follows the
    deck where the offer states a low or high value.
    """
    fixed = number(row, FIXED_COLUMNS[deck.deck], number(row, "price_usd_per_kg"))
    terms = list(indices)
    problems = [
        Problem(
            "C005",
            "offer_indices",
            f"{term['offer']}, {term['product']}, {term['market']}",
            "market",
            "no price",
            "a product and market of the table prices",
            "add the price or mend the index",
        )
        for term in terms
        if not deck.has(term["product"], term["market"])
    ]
    if problems:
        return dict.fromkeys(years, fixed), problems

    def at(year: int) -> float:
        indexed = sum(
            number(term, "kg_per_kg")
            * max(
                number(term, "floor_usd_per_kg"),
                deck.price_usd_per_kg(term["product"], term["market"], year),
            )
            for term in terms
        )
        return max(number(row, "floor_usd_per_kg"), fixed + indexed)

    return {t: at(t) for t in years}, []


def price_parts(row: Row, book: OfferBook) -> list[PricePart]:
    """Give the parts of an offer's price by year, before public money: what is fixed, then its indices."""
    offer, deck = row["offer"], book.deck
    fixed = number(row, FIXED_COLUMNS[deck.deck], number(row, "price_usd_per_kg"))
    floor = number(row, "floor_usd_per_kg")
    parts = [PricePart(offer, t, "", "", 1.0, fixed, floor) for t in book.years]
    for term in book.indices.get(offer, ()):
        product, market = term["product"], term["market"]
        what = (number(term, "kg_per_kg"), number(term, "floor_usd_per_kg"))
        for t in book.years:
            price = deck.price_usd_per_kg(product, market, t)
            parts.append(PricePart(offer, t, product, market, what[0], price, what[1]))
    return parts


@dataclass(frozen=True)
class OfferBook:
    """What building offers needs besides their rows.

    Attributes:
        deck: price deck of the case.
        indices: offer → rows of ``offer_indices``.
        running: offer → row of ``contracts``.
        capacity_years: facility → years in which it can run.
        years: horizon.
        start_years: years in which contracts may start.
        subsidies: rows of ``subsidy_terms`` that are paid.
    """

    deck: PriceDeck
    indices: Mapping[str, Sequence[Row]]
    running: Mapping[str, Row]
    capacity_years: Mapping[str, frozenset[int]]
    years: tuple[int, ...]
    start_years: tuple[int, ...]
    subsidies: tuple[Row, ...] = ()


def build_offer(row: Row, book: OfferBook) -> tuple[Offer, list[Problem]]:
    """Turn a row of ``offers`` into an offer; recipe and qualification are filled in later."""
    row, indices = without_floors(row, book.indices.get(row["offer"], ()), book.subsidies)
    price, problems = price_by_year(row, indices, book.deck, book.years)
    first, last = row["first_start_year"], row["last_start_year"]
    running = book.running.get(row["offer"])
    offer = Offer(
        offer=row["offer"],
        kind=row["kind"],
        facility=row["facility"],
        product=row["product"],
        recipe=None,
        price_usd_per_kg=credited(price, row, book.subsidies) if book.subsidies else price,
        min_t=number(row, "min_t_per_year"),
        max_t=number(row, "max_t_per_year"),
        term_years=int(row["term_years"]),
        start_years=tuple(
            t for t in book.start_years if first <= t <= last and t in book.capacity_years[row["facility"]]
        ),
        running_t=running_by_year(running, book.years),
        take_or_pay_share=number(row, "take_or_pay_share"),
        surge_share=number(row, "surge_share"),
        first_stage=row["first_stage"],
        last_stage=row["last_stage"],
        qualification=None,
    )
    return offer, problems


def running_by_year(contract: Row | None, years: Sequence[int]) -> dict[int, float]:
    """Give the volume of a contract in force today for the years of its remaining term."""
    if contract is None or number(contract, "committed_t_per_year") <= 0:
        return {}
    return {t: number(contract, "committed_t_per_year") for t in years if t <= contract["end_year"]}


def capacity_per_t(recipes: Iterable[Recipe], product: str, year: int | None = None) -> float | None:
    """Give the least capacity a facility needs per tonne of a product, on its own basis; None if it makes none.

    Without a year, of a plant that has learnt.
    """
    made = [(r, r.outputs.get(product, 0.0) if year is None else r.made_t(product, year)) for r in recipes]
    needs = [r.capacity_use / amount for r, amount in made if amount > 0]
    return min(needs) if needs else None


def need_per_t(product: str, wanted: str, makers: Mapping[str, Sequence[Recipe]]) -> float:
    """Give the most tonnes of ``product`` that a tonne of ``wanted`` can take up through the buyer's recipes.

    Within a recipe the needs of all inputs add, between recipes the largest counts. A way that comes back to a product
    it already went through (recycling) is left out: going round replaces other feed and needs no more of it.
    """

    def need(target: str, seen: frozenset[str]) -> float:
        if target == product:
            return 1.0
        ways = [r for r in makers.get(target, ()) if not seen.intersection(r.inputs)]
        return max(
            (
                sum(amount * need(i, seen | {target}) for i, amount in r.inputs.items())
                / (r.outputs[target] * r.least_yield_share)
                for r in ways
            ),
            default=0.0,
        )

    return need(wanted, frozenset({wanted}))


def usable_t(
    product: str,
    makers: Mapping[str, Sequence[Recipe]],
    markets: Iterable[Market],
    storages: Iterable[Storage],
) -> float:
    """Give the largest volume of a product (t/yr) the buyer could use in one year, wherever it is bought.

    Every tonne used ends in a market's demand or in stock. A year's use is therefore at most, over all markets, the
    largest yearly demand times the largest need per tonne of demand over accepted products, plus the room in all stocks
    times the need per tonne stored. Each sum takes the dearest way for every tonne at once, so it can only overstate.
    What is bought beyond it can only be resold below its price or disposed of.
    """
    total = 0.0
    for market in markets:
        needs = [use * need_per_t(product, wanted, makers) for wanted, (use, _) in market.accepts.items()]
        total += max(market.demand_t.values(), default=0.0) * max(needs, default=0.0)
    return total + sum(storage.max_t * need_per_t(product, storage.product, makers) for storage in storages)


def usable_in_toll(offer: Offer, recipes: Iterable[Recipe], usable: Mapping[str, float]) -> float:
    """Give the largest volume of a toll's main product (t/yr) whose conversion the buyer could have a use for.

    A conversion makes all its products together: it may run for the sake of a co-product or bundle, far beyond the use
    there is for the main product. ``usable`` has the use of every product, with what can be sold as a by-product.
    """
    made = [recipe.outputs for recipe in recipes if recipe.outputs.get(offer.product, 0.0) > 0]
    return max(
        (
            usable[p] * outputs[offer.product] / amount
            for outputs in made
            for p, amount in outputs.items()
            if amount > 0
        ),
        default=0.0,
    )


def makers_of(recipes: Iterable[Recipe]) -> dict[str, list[Recipe]]:
    """Give product → recipes of the buyer's layer that make it, equal ones of several plants once."""
    makers: dict[str, list[Recipe]] = defaultdict(list)
    seen: set[tuple[object, ...]] = set()
    for recipe in recipes:
        for product in recipe.outputs if "buyer" in recipe.layers else ():
            made = recipe.outputs[product] * recipe.least_yield_share
            key = (product, made, tuple(sorted(recipe.inputs.items())))
            if key not in seen:
                seen.add(key)
                makers[product].append(recipe)
    return makers


def bounded_offer(offer: Offer, usable: float, supply: float) -> Offer:
    """Shrink an offer's largest volume to what can be used or supplied; never below its least volume.

    ``usable`` is t/yr the buyer could use, ``supply`` t/yr the facility can open to the buyer. Nominal flow never needs
    more than ``usable`` (see ``usable_t``), so the margin only limits over-commitment as a cover against shocks.
    """
    return replace(offer, max_t=max(offer.min_t, min(offer.max_t, COMMITMENT_MARGIN * usable, supply)))


def supply_limit(offer: Offer, facility: Facility, recipes: Iterable[Recipe], projects: Iterable[Project]) -> float:
    """Give the most an offer could deliver in a year (t/yr): open capacity and all entitlements over the need per t."""
    opened = facility.open_sale_t if offer.kind == "sale" else facility.open_toll_t
    capacity = max(opened.values(), default=0.0) + sum(p.entitlement_t_per_year for p in projects)
    per_t = capacity_per_t(recipes, offer.product)
    return capacity / per_t if per_t else float("inf")
