"""A plant that still learns makes less of its feed: a coefficient of the year, and no row or column more."""

from __future__ import annotations

from dataclasses import replace

from pyomo.repn import generate_standard_repn
from toy_instance import everything

from optimizer.model.build import build_model


def coefficient(row, name: str) -> float:
    """Coefficient of a variable in a row; 0 where it does not occur."""
    repn = generate_standard_repn(row.body, compute_values=True)
    pairs = {variable.name: value for variable, value in zip(repn.linear_vars, repn.linear_coefs, strict=True)}
    return float(pairs.get(name, 0.0))


def test_output_of_the_year_stands_in_the_rows_and_nothing_is_added():
    rich = everything()
    recipe = next(r for r in rich.recipes.values() if r.inputs and "supplier" in r.layers)
    made, used = next(iter(recipe.outputs)), next(iter(recipe.inputs))
    learns = replace(recipe, yield_share={2027: 0.5})
    before, after = build_model(rich), build_model(replace(rich, recipes={**rich.recipes, recipe.recipe: learns}))
    assert before.nvariables() == after.nvariables()
    assert before.nconstraints() == after.nconstraints()

    def in_balance(model, product: str, year: int) -> float:
        index = next(i for i in model.place_balance if i[0] == "supplier" and i[1:3] == (recipe.facility, product))
        column = model.throughput[recipe.recipe, "supplier", index[3], year]
        return abs(coefficient(model.place_balance[(*index[:4], year)], column.name))

    assert in_balance(after, made, 2027) == 0.5 * in_balance(before, made, 2027) > 0
    assert in_balance(after, made, 2028) == in_balance(before, made, 2028)
    assert in_balance(after, used, 2027) == in_balance(before, used, 2027) > 0
