"""What throughput made: by row of a throughput table, and by country of a stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.chain.instance import Instance, Recipe

Floats = npt.NDArray[np.float64]
NOMINAL = "nominal"


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


def country_shares(instance: Instance, throughput: pd.DataFrame, outlets: pd.DataFrame) -> pd.DataFrame:
    """Give ``stage, country_iso3, flow_share``: parts of a stage's output in the plan, over the horizon.

    Output counts by tracked mass, in both layers, less what suppliers leave over to other customers.
    """
    rows = throughput[throughput["shock"] == NOMINAL]
    left = outlets[(outlets["shock"] == NOMINAL) & (outlets["outlet"] == "surplus")]
    facilities, tracked = instance.facilities, {p.product: p.tracked_share for p in instance.products.values()}
    made = rows["throughput_t"] * tracked_per_t(instance, rows)
    spare = -left["amount_t"] * left["product"].map(tracked).astype(float)
    mass = pd.concat([made, spare], ignore_index=True)
    place = pd.concat([rows["facility"], left["place"]], ignore_index=True)
    stage = place.map({f.facility: f.stage for f in facilities.values()}).rename("stage")
    country = place.map({f.facility: f.country_iso3 for f in facilities.values()}).rename("country_iso3")
    sums = mass.groupby([stage, country]).sum()
    totals = sums.groupby(level=0).transform("sum")
    shares = (sums / totals.where(totals > 0)).dropna()
    return shares.to_frame("flow_share").reset_index()
