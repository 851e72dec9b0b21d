"""What a tonne of throughput made, by row of a throughput table: yields of the year, tracked mass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.chain.instance import Instance, Recipe

Floats = npt.NDArray[np.float64]


def made_per_t(instance: Instance, rows: pd.DataFrame, product: str) -> Floats:
    """Give, for rows with ``recipe`` and ``year``, tonnes of a product made per tonne of throughput."""
    return _by_row(instance, rows, lambda recipe, year: recipe.made_t(product, year))


def tracked_per_t(instance: Instance, rows: pd.DataFrame) -> Floats:
    """Give, for rows with ``recipe`` and ``year``, tonnes of tracked mass made per tonne of throughput."""
    tracked = {name: product.tracked_share for name, product in instance.products.items()}
    return _by_row(
        instance, rows, lambda recipe, year: sum(recipe.made_t(p, year) * tracked[p] for p in recipe.outputs)
    )


def _by_row(instance: Instance, rows: pd.DataFrame, per_t: Callable[[Recipe, int], float]) -> Floats:
    keys: list[tuple[Any, Any]] = list(zip(rows["recipe"], rows["year"], strict=True))
    known = {key: per_t(instance.recipes[key[0]], int(key[1])) for key in set(keys)}
    return np.array([known[key] for key in keys], dtype=np.float64)
