"""Depths of disruptions: beta distributed, places shrunk to their cause and causes to all.

The share of the named flow that is lost lies between 0 and 1. Moments fix the beta distribution: its mean m, and its
concentration c from the variance m(1-m)/(1+c) (method of moments; Johnson, Kotz and Balakrishnan, Continuous
Univariate Distributions, vol. 2, section 25.4). One concentration is estimated over all causes, as no cause has cases
enough. Means are shrunk as if each cause had seen two cases of the mean of all, and each place two cases of the mean
of its cause: the beta-binomial form of a conjugate prior with the weight of two cases. The interval of a place's mean
is that of a beta distribution whose variance is the one of a mean over these cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from optimizer.shocks.rates import HIGH, LOW

PRIOR_CASES = 2.0
"""Cases that the level above counts for."""

CONCENTRATIONS = (0.5, 20.0)
"""Range of the concentration: below, all depths would be none or all; above, all alike."""


@dataclass(frozen=True, slots=True)
class DepthEstimate:
    """Mean depth of a place with the 5 % and 95 % bounds of that mean, and the concentration of depths about it."""

    mean: float
    low: float
    high: float
    concentration: float


def concentration_of(depths: Sequence[float]) -> float:
    """Concentration by moments, kept within its range; the lower end where fewer than two cases are known."""
    if len(depths) < 2:
        return CONCENTRATIONS[0]
    mean, variance = float(np.mean(depths)), float(np.var(depths, ddof=1))
    found = mean * (1 - mean) / variance - 1 if variance > 0 else CONCENTRATIONS[1]
    return float(np.clip(found, *CONCENTRATIONS))


def shrunk_mean(depths: Sequence[float], above: float) -> float:
    """Mean of the cases together with the prior cases of the level above."""
    return (PRIOR_CASES * above + sum(depths)) / (PRIOR_CASES + len(depths))


def pooled_depths(depths: Sequence[Sequence[float]], overall: float, concentration: float) -> list[DepthEstimate]:
    """Depths at the places of one cause.

    Args:
        depths: by place, shares between 0 and 1.
        overall: mean depth over all causes.
        concentration: of depths about their mean.
    """
    cause = shrunk_mean([depth for found in depths for depth in found], overall)
    estimates = []
    for found in depths:
        mean = shrunk_mean(found, cause)
        cases = PRIOR_CASES + len(found)
        size = (1 + concentration) * cases - 1
        low, high = beta.ppf([LOW, HIGH], mean * size, (1 - mean) * size)
        estimates.append(DepthEstimate(mean, float(low), float(high), concentration))
    return estimates
