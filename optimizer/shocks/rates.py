"""Yearly rates of rare events: Gamma-Poisson, pooled over the places of one cause.

Places of one cause are taken as alike but not equal: the number of events n in T years of exposure is Poisson with
mean rate x T, and the rates of the places are gamma distributed with mean m and shape a, both unknown. Given m and a
the rate of a place is again gamma, with shape a + n and inverse scale a/m + T (conjugacy; Gelman et al., Bayesian
Data Analysis, 3rd ed., sections 2.6 and 5.1): a place with a long record keeps its own figure, one with a short
record borrows from the others. m and a are integrated over a grid rather than fixed at their best values, because
with a handful of events fixed values make the intervals too short (Kass and Steffey 1989 on what empirical Bayes
leaves out).

The prior of m is log-normal about the mean over all causes, as wide as a factor of twelve either way at 90 %; the
logarithm of a is uniform between 0.3 and 3: places differ widely, the more so as most are named because something
happened there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammainc, gammaln

Floats = NDArray[np.float64]

LOW, HIGH = 0.05, 0.95
"""Quantiles that bound every interval given."""

MEAN_LOG_SD = 1.5
"""Standard deviation of the logarithm of a cause's mean rate about the mean over all causes."""

SHAPES = (0.3, 3.0)
"""Range of the shape of the distribution over places."""

GRID = 61

NEGLIGIBLE = 1e-7
"""Share of the largest posterior weight below which a point of the grid is left out."""


@dataclass(frozen=True, slots=True)
class RateEstimate:
    """Posterior of one rate, 1/yr: mean, 5 % and 95 % quantile, and the gamma shape with the same mean and variance."""

    mean: float
    low: float
    high: float
    shape: float


@dataclass(frozen=True)
class RatePrior:
    """Distribution of the mean and shape over places, on a grid of equal length with weights that sum to 1."""

    means: Floats
    shapes: Floats
    weights: Floats


def rate_prior(overall: float) -> RatePrior:
    """Prior about a mean rate of all causes, 1/yr."""
    steps = np.linspace(-3.0, 3.0, GRID)
    logs = np.linspace(math.log(SHAPES[0]), math.log(SHAPES[1]), GRID // 3)
    mean, shape = np.meshgrid(overall * np.exp(MEAN_LOG_SD * steps), np.exp(logs), indexing="ij")
    weight = np.repeat(np.exp(-(steps**2) / 2), len(logs))
    return RatePrior(mean.ravel(), shape.ravel(), weight / weight.sum())


def pooled_rates(counts: Sequence[int], exposures: Sequence[float], prior: RatePrior) -> list[RateEstimate]:
    """Rates of the places of one cause.

    Args:
        counts: events on record at each place.
        exposures: years of exposure of each place, > 0.
        prior: distribution of mean and shape before the record is seen.
    """
    inverse_scale = prior.shapes / prior.means
    log_weight = np.log(prior.weights)
    for n, years in zip(counts, exposures, strict=True):
        log_weight = log_weight + _log_likelihood(n, years, prior.shapes, inverse_scale)
    weight = np.exp(log_weight - log_weight.max())
    matters = weight > NEGLIGIBLE
    weight, shapes, inverse_scale = (
        weight[matters] / weight[matters].sum(),
        prior.shapes[matters],
        inverse_scale[matters],
    )
    return [_mixture(shapes + n, inverse_scale + years, weight) for n, years in zip(counts, exposures, strict=True)]


def _log_likelihood(n: int, years: float, shape: Floats, inverse_scale: Floats) -> Floats:
    """Negative binomial probability of n events, without the factor that is the same everywhere."""
    found: Floats = (
        gammaln(shape + n)
        - gammaln(shape)
        + shape * np.log(inverse_scale)
        - (shape + n) * np.log(inverse_scale + years)
    )
    return found


def _mixture(shape: Floats, inverse_scale: Floats, weight: Floats) -> RateEstimate:
    means = shape / inverse_scale
    mean = float(weight @ means)
    variance = float(weight @ (shape / inverse_scale**2 + means**2)) - mean**2

    def below(rate: float) -> float:
        return float(weight @ gammainc(shape, inverse_scale * rate))

    return RateEstimate(mean, quantile(below, LOW, mean), quantile(below, HIGH, mean), mean**2 / variance)


def quantile(below: Callable[[float], float], level: float, scale: float) -> float:
    """Where a distribution function of a positive quantity reaches a level; ``scale`` is about its size."""
    upper = scale
    while below(upper) < level:
        upper *= 2
    return float(brentq(lambda value: below(value) - level, 0.0, upper, xtol=scale * 1e-7))
