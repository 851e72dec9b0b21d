"""Which recipes of a plant are held together: those that make several things, and what shares their products."""

from types import SimpleNamespace
from typing import Any

from optimizer.chain.instance import Recipe
from optimizer.model.coproducts import joint_groups


def recipe(name: str, *makes: str, layer: Any = "supplier") -> Recipe:
    return Recipe(name, "f", name, {"ore": 1.0}, dict.fromkeys(makes, 0.5), 1.0, (layer,), {})


def groups(*recipes: Recipe, sold: tuple[str, ...]) -> list[tuple[list[str], tuple[str, ...]]]:
    sets: Any = SimpleNamespace(
        surpluses=[("f", "x", 0)], recipes_at={"f": recipes}, sales_of={("f", name): () for name in sold}, lanes_from=()
    )
    return [([r.recipe for r in group.recipes], group.drawable) for group in joint_groups(sets).values()]


def test_what_makes_one_thing_alone_is_not_held() -> None:
    assert groups(recipe("joint", "x", "y"), recipe("alone", "z"), sold=("x", "z")) == [(["joint"], ("x",))]


def test_recipes_that_share_a_product_are_held_together() -> None:
    # "late" makes x and z: it joins the two that were apart until then.
    first, second, late = recipe("first", "x", "y"), recipe("second", "z"), recipe("late", "x", "z")
    assert groups(first, second, late, sold=("x", "z")) == [(["second", "first", "late"], ("x", "z"))]


def test_recipes_that_share_only_what_nobody_draws_are_not() -> None:
    assert groups(recipe("a", "x", "rest"), recipe("b", "z", "rest"), sold=("x", "z")) == [
        (["a"], ("x",)),
        (["b"], ("z",)),
    ]


def test_what_runs_for_the_buyer_is_the_buyers() -> None:
    assert groups(recipe("joint", "x", "y", layer="buyer"), sold=("x",)) == []
