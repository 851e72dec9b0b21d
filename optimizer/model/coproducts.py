"""Joint production behind priced sales: it runs for what is drawn, and what is left over counts for nobody.

A supplier's joint plant makes all its products together; what the buyer's chains do not draw goes to other customers
and costs the buyer nothing. Without a limit such a plant could run with nothing drawn at all, and so thin out the share
of a country at its stage or make its feeds look like normal traffic. Decision record 0009 has the measurements.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyomo.environ as pyo

from optimizer.chain.instance import Recipe
from optimizer.model.compare import no_more
from optimizer.model.expressions import Terms, scaled
from optimizer.model.sets import Sets


@dataclass(frozen=True)
class JointGroup:
    """Recipes of one supplier that share products others can draw; at least one of them makes several."""

    facility: str
    number: int
    recipes: tuple[Recipe, ...]
    drawable: tuple[str, ...]


def joint_groups(sets: Sets) -> dict[tuple[str, int], JointGroup]:
    """(facility, number) → group, over all plants with joint production in the supplier layer."""
    groups: dict[tuple[str, int], JointGroup] = {}
    for facility in sorted({facility for facility, _, _ in sets.surpluses}):
        run = [recipe for recipe in sets.recipes_at[facility] if "supplier" in recipe.layers]
        parts = _connected(run, _drawable(sets, facility, run))
        joint = [part for part in parts if any(len(recipe.outputs) > 1 for recipe in part[0])]
        for number, (recipes, products) in enumerate(joint):
            groups[facility, number] = JointGroup(facility, number, tuple(recipes), tuple(sorted(products)))
    return groups


def _drawable(sets: Sets, facility: str, recipes: Iterable[Recipe]) -> set[str]:
    """Products of a supplier that leave it over a lane or a sale, or are used up there."""
    used = {product for recipe in recipes for product in recipe.inputs}
    sold = {product for place, product in sets.sales_of if place == facility}
    shipped = {product for layer, place, product in sets.lanes_from if layer == "supplier" and place == facility}
    return used | sold | shipped


def _connected(recipes: Iterable[Recipe], drawable: set[str]) -> list[tuple[list[Recipe], set[str]]]:
    """Recipes grouped by the drawable products they share."""
    parts: list[tuple[list[Recipe], set[str]]] = []
    for recipe in recipes:
        products = set(recipe.outputs) & drawable
        members = [recipe]
        apart = []
        for part in parts:
            if part[1] & products:
                members, products = part[0] + members, products | part[1]
            else:
                apart.append(part)
        parts = [*apart, (members, products)]
    return parts


def _draws(m: Any, facility: str, product: str, t: int) -> Terms:
    """What is made of a product and not left over: what others draw, less what arrives."""
    terms: Terms = []
    for recipe in m.sets.recipes_at[facility]:
        made = recipe.made_t(product, t)
        for g in m.sets.recipe_classes.get((recipe.recipe, "supplier"), ()) if made else ():
            terms.append((made, m.throughput[recipe.recipe, "supplier", g, t]))
    return terms + scaled(-1.0, left_over(m, facility, product, t))


def left_over(m: Any, facility: str, product: str, t: int) -> Terms:
    """Co-product of a supplier that goes to its other customers (t per year)."""
    classes = m.sets.classes.get(("supplier", facility, product), ())
    return [(1.0, m.surplus[facility, product, g, t]) for g in classes if (facility, product, g, t) in m.surplus]


def joint_limit(m: pyo.ConcreteModel, facility: str, number: int, t: int) -> Any:
    r"""Behind priced sales joint production runs only for what is drawn: each product drawn counts as if it were alone.

    .. math:: \sum_{r,g} \min_p(\lambda_p a^{out}_{rp})\, y_{rgt}
        \le \sum_p \lambda_p \Big(\sum_{r,g} a^{out}_{rp} y_{rgt} - \sum_g u_{pgt}\Big), \qquad
        \lambda_p = \frac{1}{\min_r a^{out}_{rp}} \qquad \forall\ f, t

    over the products that can be drawn, and recipes that share them. With one recipe it is
    :math:`y \le \sum_p drawn_p / a_p`, the tightest linear form of :math:`y = \max_p drawn_p / a_p`.
    Unit: t of throughput per year. Dual: MUSD per t of throughput.
    """
    group = m.joint_groups[facility, number]
    weight = {p: 1.0 / min(r.made_t(p, t) for r in group.recipes if r.made_t(p, t) > 0) for p in group.drawable}
    terms: Terms = []
    for recipe in group.recipes:
        least = min((weight[p] * recipe.made_t(p, t) for p in recipe.outputs if p in weight), default=1.0)
        for g in m.sets.recipe_classes.get((recipe.recipe, "supplier"), ()):
            terms.append((least, m.throughput[recipe.recipe, "supplier", g, t]))
    for p in group.drawable:
        terms += scaled(-weight[p], _draws(m, facility, p, t))
    return no_more(terms, 0.0)


def left_over_limit(m: pyo.ConcreteModel, facility: str, product: str, t: int) -> Any:
    r"""No more of a co-product is left over at a supplier than is made there.

    .. math:: \sum_g u_{pgt} \le \sum_{r,g} a^{out}_{rp} y_{rgt} \qquad \forall\ f, p, t: p \text{ also arrives at } f

    Unit: t per year. Dual: MUSD per t left over.
    """
    return no_more(scaled(-1.0, _draws(m, facility, product, t)), 0.0)


def left_over_index(m: Any) -> list[tuple[str, str, int]]:
    """(facility, product, year) where a co-product could be left over that was made elsewhere."""
    pairs = sorted({(facility, product) for facility, product, _ in m.sets.surpluses})
    return [(f, p, t) for f, p in pairs if m.sets.lanes_into.get(("supplier", f, p)) for t in m.instance.years]
