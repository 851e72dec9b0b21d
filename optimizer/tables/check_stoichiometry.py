"""Recipes and prices against stoichiometry: no route makes an element, loses too much, or sells below its feed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from optimizer.errors import Problem
from optimizer.tables.read import Row
from optimizer.tables.units import ELEMENT, OXIDE, Component, Contents, oxide_sum, read_components, read_contents
from optimizer.tables.view import View, at, number

SHARE_TOLERANCE = 0.005
"""Largest difference between a product's tracked share and what its composition gives, kg/kg."""

PRICE_TOLERANCE = 0.02
"""Share by which the value of what a route makes may lie below that of what it takes (rounding of prices)."""


_SUMMED = "reo"
"""Basis of products that are counted as the sum of their oxides."""


@dataclass(frozen=True)
class Losses:
    """Share of a component that a route loses, and the range stated for it."""

    route: str
    component: str
    loss_share: float
    least_share: float
    most_share: float


@dataclass(frozen=True)
class Chemistry:
    """What products consist of, and the recipes, by route."""

    view: View
    components: Mapping[str, Component]
    contents: Mapping[str, Contents]
    baskets: Mapping[str, Contents]

    @classmethod
    def of(cls, view: View) -> Chemistry:
        """Read the tables; products of an ore carry the ore's basket, counted as oxide."""
        baskets: dict[str, dict[str, float]] = {}
        for row in view.rows("compositions"):
            baskets.setdefault(str(row["ore"]), {})[str(row["component"])] = number(row, "share") or 0.0
        components = read_components(view.rows("components"))
        oxides = {name for name, component in components.items() if component.oxide_metal_atoms > 0}
        by_ore = {
            ore: Contents(OXIDE, {name: share for name, share in basket.items() if name in oxides})
            for ore, basket in baskets.items()
        }
        carried = {
            str(row["product"]): by_ore[str(row["ore"])] for row in view.rows("products") if str(row["ore"]) in by_ore
        }
        return cls(view, components, read_contents(view.rows("product_compositions")), carried)

    def elements(self, product: str) -> dict[str, float]:
        """Return kg of each element per kg of a product (empty if its composition is unknown)."""
        contents = self.contents.get(product) or self.baskets.get(product)
        return contents.in_state(ELEMENT, self.components) if contents else {}


def losses(view: View) -> Iterator[Losses]:
    """Yield the loss of each component in every route with a stated range of losses."""
    chemistry = Chemistry.of(view)
    stated = {str(row["route"]): row for row in view.rows("stated_losses")}
    flows: dict[str, list[Row]] = {}
    for row in view.rows("route_flows"):
        flows.setdefault(str(row["route"]), []).append(row)
    for route, row in stated.items():
        least, most = number(row, "least_loss_share") or 0.0, number(row, "most_loss_share") or 0.0
        for component, loss in _route_losses(flows.get(route, []), chemistry):
            yield Losses(route, component, loss, least, most)


def _route_losses(flows: list[Row], chemistry: Chemistry) -> Iterator[tuple[str, float]]:
    """Blend: element in less element out. Split: one minus the yield, both as element."""
    taken: dict[str, float] = {}
    made: dict[str, float] = {}
    is_blend = any(row["direction"] == "in" for row in flows)
    for row in flows:
        amount, product, item = number(row, "t_per_t") or 0.0, str(row["product"]), str(row["item"])
        if is_blend:
            side = taken if row["direction"] == "in" else made
            for name, share in chemistry.elements(product).items():
                side[name] = side.get(name, 0.0) + amount * share
        elif product in chemistry.contents:
            taken[item] = chemistry.components[item].element_per_oxide
            state = chemistry.contents[product].state
            made[item] = made.get(item, 0.0) + chemistry.components[item].convert(amount, state, ELEMENT)
    for name, amount in taken.items():
        yield name, 1.0 - made.get(name, 0.0) / amount


def stoichiometry_problems(view: View) -> Iterator[Problem]:
    """Yield recipes that make elements or lose more than stated, and wrong tracked shares (T062)."""
    rows = {str(row["route"]): row for row in view.rows("stated_losses")}
    for loss in losses(view):
        if not loss.least_share - 1e-3 <= loss.loss_share <= loss.most_share + 1e-3:
            found = f"{loss.route} loses {100 * loss.loss_share:.1f} % of {loss.component}"
            allowed = f"{100 * loss.least_share:.1f} to {100 * loss.most_share:.1f} %"
            remedy = "correct the recipe in route_flows.csv, or the composition of the product"
            yield at(rows[loss.route], "T062", "most_loss_share", allowed, remedy, found)
    yield from _tracked_share_problems(view)
    yield from _basis_problems(view)


def _basis_problems(view: View) -> Iterator[Problem]:
    """A product counted as the sum of its oxides carries a basket whose oxides sum to 1."""
    chemistry = Chemistry.of(view)
    for row in view.rows("products"):
        basket = chemistry.baskets.get(str(row["product"]))
        if chemistry.components and basket is not None and row["basis"] == _SUMMED:
            total = oxide_sum(basket.shares, chemistry.components)
            if abs(total - 1.0) > SHARE_TOLERANCE:
                remedy = "state another basis, or correct the basket of its ore in compositions.csv"
                yield at(row, "T062", "basis", "a basket of oxides that sum to 1", remedy, f"oxides sum to {total:.4f}")


def _tracked_share_problems(view: View) -> Iterator[Problem]:
    chemistry = Chemistry.of(view)
    tracked = {str(row["component"]) for row in view.rows("compositions") if row["is_tracked"]}
    for row in view.rows("products"):
        elements = chemistry.elements(str(row["product"])) if row["ore"] is None else {}
        stated = number(row, "tracked_share")
        if not elements or stated is None:
            continue
        share = sum(amount for name, amount in elements.items() if name in tracked)
        if abs(share - stated) > SHARE_TOLERANCE:
            remedy = "correct the share, or the product's rows in product_compositions.csv"
            yield at(row, "T062", "tracked_share", f"about {share:.4f}, as its composition gives", remedy)


def price_problems(view: View) -> Iterator[Problem]:
    """Yield blend routes whose output is worth less than its input, at reference and deck prices (T069)."""
    recipes: dict[str, dict[str, list[tuple[str, float]]]] = {}
    for row in view.rows("route_flows"):
        sides = recipes.setdefault(str(row["route"]), {"in": [], "out": []})
        sides[str(row["direction"])].append((str(row["product"]), number(row, "t_per_t") or 0.0))
    for place, prices in _price_lists(view):
        for route, sides in sorted(recipes.items()):
            products = [product for side in sides.values() for product, _ in side]
            if not sides["in"] or not all(product in prices for product in products):
                continue
            taken = sum(amount * prices[product] for product, amount in sides["in"])
            made = sum(amount * prices[product] for product, amount in sides["out"])
            if made < (1.0 - PRICE_TOLERANCE) * taken:
                found = f"{route} makes {made:.1f} USD from {taken:.1f} USD of feed"
                remedy = "make the prices of feed and product fit: the mass ratio of the recipe and the conversion cost"
                yield Problem("T069", place, "", "", found, "output worth at least its feed", remedy)


def _price_lists(view: View) -> Iterator[tuple[str, dict[str, float]]]:
    reference = {str(row["product"]): number(row, "reference_price_usd_per_kg") or 0.0 for row in view.rows("products")}
    yield "data/products.csv", reference
    deck: dict[tuple[str, str], dict[str, float]] = {}
    for row in view.rows("prices"):
        place = deck.setdefault((str(row["market"]), str(row["year"])), {})
        place[str(row["product"])] = number(row, "base_usd_per_kg") or 0.0
    for (market, year), prices in sorted(deck.items()):
        yield f"data/prices.csv, {market} {year}", prices
