"""Tables of solved plans: prices of limits, the tie-break, and each plan's months under every shock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.jobs.prepare import COST, LOSS, TIE, Prepared
from optimizer.results.extract import Extractor, SolvedPoint, Tables, collect
from optimizer.solve.compiled import CompiledProgram, Floats
from optimizer.solve.finish import Finisher
from optimizer.solve.one import Point
from optimizer.solve.recourse import Recourse

FINISH_SECONDS = 30.0
"""Limit on each of the two linear programs that finish a point."""
PREFERENCE = {"spot": 1.0, "flow": 0.1, "supply": 0.1, "stock": -0.05, "shortfall": 0.0}
"""What a shock's plan spares once its loss is least, per tonne: spot purchases, then stock, then movements."""
LATE = 1e-3
"""Preference, per tonne and period, for losing demand late: stock is used before lines stop."""


@dataclass(frozen=True)
class Found:
    """What a search gave: points, the ``bounds`` and ``segments`` behind them, certificate, and how it ended.

    ``is_repeatable`` says whether the same inputs give the same again: nothing was cut short by time.
    """

    points: Sequence[Point]
    proofs: Mapping[str, pd.DataFrame]
    certificate: Mapping[str, Any]
    status: str
    is_repeatable: bool = True


def preferences(program: CompiledProgram) -> list[Floats]:
    """Secondary cost of every block's columns (see ``PREFERENCE``)."""
    vectors = []
    for block in program.blocks:
        weights = [PREFERENCE.get(component, 0.0) for component, _ in block.column_keys]
        periods = [int(str(index[-1])) for _, index in block.column_keys]
        late = [
            LATE * (max(periods) - k) if component == "shortfall" else 0.0
            for (component, _), k in zip(block.column_keys, periods, strict=True)
        ]
        vectors.append(np.array(weights) + np.array(late))
    return vectors


def tables_of(ready: Prepared, found: Found, workers: int) -> tuple[Tables, dict[int, Floats]]:
    """Result tables of all points, and each point's settled first-stage vector by its number."""
    extractor = Extractor(ready.instance, ready.program)
    secondary = preferences(ready.program)
    parts: list[Tables] = []
    prices: list[dict[str, Any]] = []
    settled: dict[int, Floats] = {}
    with ready.seconds.phase("solver"), Recourse(ready.program, workers) as recourse:
        free, paid = shadow_columns(ready), benchmark_rows(ready)
        finisher = Finisher(ready.program, COST, LOSS, TIE, recourse)
        for number, point in enumerate(found.points, start=1):
            duals = finisher.prices(point, FINISH_SECONDS)
            x = finisher.settled(point, free, paid, FINISH_SECONDS)
            settled[number] = x
            plans = [plan.values for plan in recourse.plan(x, secondary)]
            solved = SolvedPoint(number, x, plans, cost_bound_musd=point.bound, status=point.status)
            parts.append(extractor.tables(solved))
            for constraint, index, price in duals:
                unit = "MUSD/month" if constraint == "loss_cap" else "MUSD per unit of the row"
                row = {"point": number, "constraint": constraint, "index": index, "price": price, "unit": unit}
                prices.append(row)
    return collect(ready.instance, parts, {**found.proofs, "prices": pd.DataFrame(prices)}), settled


def shadow_columns(ready: Prepared) -> npt.NDArray[np.bool_]:
    """Columns of reserves and shadow flow, and what follows from them: what may change while ties are broken.

    Those with a price stay, for what the land or the carbon behind a sale costs is the buyer's; what a benchmark
    costs stays by its rows (``benchmark_rows``).
    """
    lanes = ready.instance.lanes

    def is_shadow(component: str, index: tuple[object, ...]) -> bool:
        if component == "flow":
            return lanes[str(index[0])].layer == "supplier"
        if component in ("throughput", "reclassified"):
            return "supplier" in index
        if component.startswith("standby"):
            return True
        return component in ("committed", "surplus", "loss", "excess", "value_at_risk", "worst_loss")

    shadow = np.array([is_shadow(component, index) for component, index in ready.program.column_keys], dtype=bool)
    priced, _ = ready.program.objectives[COST]
    return np.array(shadow & (priced == 0.0), dtype=bool)


def benchmark_rows(ready: Prepared) -> npt.NDArray[np.bool_]:
    """Rows of limits whose excess is paid for: shadow flow that moves below them would leave a price for nothing."""
    excess = {index for component, index in ready.program.column_keys if component == "over_cap"}
    rows = (component == "origin_share_cap" and index in excess for component, index in ready.program.row_keys)
    return np.fromiter(rows, dtype=bool, count=len(ready.program.row_keys))
