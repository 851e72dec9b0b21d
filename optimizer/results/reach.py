"""What the shock rows of a run cover: plants followed, and pools of plants that no shock touches."""

from __future__ import annotations

import pandas as pd

from optimizer.chain.instance import Instance
from optimizer.model.reach import Branch, branch_of
from optimizer.model.sets import build_sets


def branches(instance: Instance) -> dict[str, Branch]:
    """Shock → the part of the network its recourse follows."""
    sets = build_sets(instance)
    return {name: branch_of(instance, sets, shock) for name, shock in instance.shocks.items()}


def reach_tables(instance: Instance) -> dict[str, pd.DataFrame]:
    """Rows of the tables ``pools`` and ``reached``."""
    found = branches(instance)
    pools = [
        (name, pool.number, facility, pool.product)
        for name, branch in found.items()
        for pool in branch.pools
        for facility in pool.facilities
    ]
    reached = [
        (name, layer, facility)
        for name, branch in found.items()
        for layer, facilities in branch.reached.items()
        for facility in facilities
    ]
    return {
        "pools": pd.DataFrame(pools, columns=["shock", "pool", "facility", "product"]),
        "reached": pd.DataFrame(reached, columns=["shock", "layer", "facility"]),
    }
