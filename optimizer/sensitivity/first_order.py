r"""Figures a fixed plan cannot follow: what they do to the least cost, at first order, by the duals of the plan.

Demand and yields stand in the rows of the program, so a plan made for other values of them is another plan. With the
integer decisions fixed, the least cost moves by

.. math:: \Delta C \approx \sum_i y_i (\Delta b_i - (\Delta A\, x)_i)

for a small change of right-hand sides b and coefficients A; y are the duals in the run's table ``prices``. Only rows of
normal operation are counted: what a shock's own plan would pay besides is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from optimizer.chain.instance import Instance, Recipe
from optimizer.sensitivity.figures import Figure
from optimizer.solve.compiled import CompiledProgram, Floats

BALANCE, DEMAND, THROUGHPUT = "place_balance", "demand_balance", "throughput"


def first_order_effects(
    figures: Sequence[Figure], instance: Instance, program: CompiledProgram, x: Floats, prices: pd.DataFrame
) -> dict[tuple[str, float], float]:
    """(figure, side) → effect on the least cost, MUSD, of the figures of kind demand and yield.

    Args:
        figures: any; others are passed over.
        instance: the program's.
        program: compiled.
        x: the plan.
        prices: rows of the run's table ``prices`` for the plan's point.
    """
    if prices.empty:
        return {}
    duals = dict(zip(zip(prices["constraint"], prices["index"].fillna(""), strict=True), prices["price"], strict=True))
    worth = _Worth(instance, program, x, duals)
    found: dict[tuple[str, float], float] = {}
    for figure in figures:
        per_unit = {"demand": worth.of_demand, "yield": worth.of_yield}.get(figure.kind)
        if per_unit is not None:
            unit = per_unit(figure.subject)
            found |= {(figure.figure, side): unit * (figure.share(side) - 1.0) for side in (-1.0, 1.0)}
    return found


class _Worth:
    """What one unit of relative change is worth, MUSD."""

    def __init__(
        self, instance: Instance, program: CompiledProgram, x: Floats, duals: Mapping[tuple[str, str], float]
    ) -> None:
        self.instance, self.program, self.x = instance, program, x
        names = [(component, "|".join(str(part) for part in index)) for component, index in program.row_keys]
        self.duals = np.array([float(duals.get(name, 0.0)) for name in names])
        self.columns = program.matrix.tocsc()

    def of_demand(self, market: str) -> float:
        """All years of a market's demand by the same share."""
        demand = self.instance.markets[market].demand_t
        total = 0.0
        for row, (component, index) in enumerate(self.program.row_keys):
            if component == DEMAND and str(index[0]) == market:
                total += self.duals[row] * demand.get(int(str(index[1])), 0.0)
        return total

    def of_yield(self, stage: str) -> float:
        """All outputs of a stage's recipes by the same share, inputs as they are."""
        total = 0.0
        for column, (component, index) in enumerate(self.program.column_keys):
            if component != THROUGHPUT or self.x[column] == 0.0:
                continue
            recipe = self.instance.recipes[str(index[0])]
            if self.instance.facilities[recipe.facility].stage == stage:
                total += self._gain(column, recipe, str(index[1]), index)
        return total

    def _gain(self, column: int, recipe: Recipe, layer: str, index: tuple[object, ...]) -> float:
        places = slice(self.columns.indptr[column], self.columns.indptr[column + 1])
        gain = 0.0
        for row, entry in zip(self.columns.indices[places], self.columns.data[places], strict=True):
            component, at = self.program.row_keys[row]
            if component != BALANCE or (str(at[0]), str(at[1])) != (layer, recipe.facility):
                continue
            if recipe.outputs.get(str(at[2]), 0.0) > 0.0:
                made = float(entry) + recipe.inputs.get(str(at[2]), 0.0)
                gain -= self.duals[row] * made * float(self.x[column])
        return gain
