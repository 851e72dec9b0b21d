"""Markets: demand by year, accepted products, criticality on a common scale, stock and outlets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from optimizer.chain.instance import Byproduct, Market, OriginClass, Product, Storage
from optimizer.chain.records import Row, Tables, interpolate, number, rows_of


def build_markets(
    tables: Tables, years: Sequence[int], forbidden: Callable[[str], Mapping[int, OriginClass]]
) -> dict[str, Market]:
    """Turn ``markets``, ``market_products`` and ``demand`` into markets.

    Demand runs in straight lines between the years given and is held before and after them; a market without a row has
    none. ``forbidden`` gives a market's forbidden bits by year.
    """
    accepts: dict[str, dict[str, tuple[float, float]]] = defaultdict(dict)
    for row in rows_of(tables, "market_products"):
        use = number(row, "use_kg_per_kg", 1.0), number(row, "substitution_usd_per_kg")
        accepts[row["market"]][row["product"]] = use
    points: dict[str, dict[int, float]] = defaultdict(dict)
    for row in rows_of(tables, "demand"):
        points[row["market"]][row["year"]] = number(row, "demand_t_per_year")
    markets = {}
    for row in rows_of(tables, "markets"):
        name = row["market"]
        demand = {t: interpolate(points[name], t) for t in years} if points[name] else dict.fromkeys(years, 0.0)
        markets[name] = _market(row, accepts[name], demand, forbidden(name))
    return scaled_criticality(markets)


def _market(
    row: Row,
    accepts: Mapping[str, tuple[float, float]],
    demand_t: Mapping[int, float],
    forbidden_bits: Mapping[int, OriginClass],
) -> Market:
    return Market(
        market=row["market"],
        name=row["name"],
        country_iso3=row["country_iso3"],
        latitude=float(row["latitude"]),
        longitude=float(row["longitude"]),
        segment=row["segment"],
        criticality=number(row, "criticality", 1.0),
        accepts=dict(accepts),
        demand_t=demand_t,
        forbidden_bits=forbidden_bits,
    )


def scaled_criticality(markets: Mapping[str, Market]) -> dict[str, Market]:
    """Scale criticality so that its average over all demand of the horizon is 1; unchanged where nothing is weighed."""
    demand = {name: sum(market.demand_t.values()) for name, market in markets.items()}
    weighed = sum(market.criticality * demand[name] for name, market in markets.items())
    if weighed <= 0:
        return dict(markets)
    factor = sum(demand.values()) / weighed
    return {name: replace(market, criticality=market.criticality * factor) for name, market in markets.items()}


def build_storages(
    tables: Tables, products: Mapping[str, Product], places: Collection[str]
) -> dict[tuple[str, str], Storage]:
    """Turn ``stock_policies`` into storages, with opening stock in class 0 for now.

    Places that the candidate filter took out are left out.
    """
    storages: dict[tuple[str, str], Storage] = {}
    for row in rows_of(tables, "stock_policies"):
        if row["place"] not in places or row["product"] not in products:
            continue
        value_usd_per_t = 1000.0 * products[row["product"]].reference_price_usd_per_kg
        storages[row["place"], row["product"]] = Storage(
            place=row["place"],
            product=row["product"],
            opening_t={0: number(row, "opening_t")} if number(row, "opening_t") > 0 else {},
            min_t=number(row, "min_t"),
            max_t=number(row, "max_t"),
            carrying_usd_per_t_year=number(row, "carrying_share_per_year") * value_usd_per_t
            + number(row, "storage_usd_per_t_year"),
        )
    return storages


def opening_in_class(storage: Storage, classes: Sequence[OriginClass]) -> Storage:
    """Put the opening stock into the worst class that can occur at its place: the one with the largest mask.

    Where the stock came from is not recorded, so it counts as marked by as much as material there can be.
    """
    amount = sum(storage.opening_t.values())
    return replace(storage, opening_t={max(classes, default=0): amount} if amount > 0 else {})


def build_byproducts(tables: Tables, products: Mapping[str, Product], owned: Collection[str]) -> dict[str, Byproduct]:
    """Turn ``byproducts`` into outlets for the products the buyer can own."""
    return {
        row["product"]: Byproduct(
            product=row["product"],
            sale_price_usd_per_kg=number(row, "sale_price_share") * products[row["product"]].reference_price_usd_per_kg,
            max_sale_t_per_year=number(row, "max_sale_t_per_year"),
            disposal_usd_per_kg=number(row, "disposal_usd_per_kg"),
        )
        for row in rows_of(tables, "byproducts")
        if row["product"] in owned
    }
