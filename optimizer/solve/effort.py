"""How hard to try: gaps, limits, workers and seed, together because every question of a trace shares them."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """What a solve may take and how close it has to come.

    Attributes:
        gap_share: gap of a single solve, as a share of the first objective.
        tolerance_share: mean gap of a frontier at which to stop, as a share of the first objective.
        time_limit_s: limit on the whole; what was found until then is returned.
        points: least number of points of a frontier, where the curve has them.
        workers: processes that answer questions, or evaluate recourse blocks, side by side.
        seed: of the solver; with it the result is the same if no limit is hit.
    """

    gap_share: float = 0.005
    tolerance_share: float = 0.01
    time_limit_s: float = math.inf
    points: int = 0
    workers: int = 1
    seed: int = 0
