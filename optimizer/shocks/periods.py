"""Periods of a shock window: months for the first six, then quarters, never across the end of a calendar year.

Windows start in January of the shock's start year. Periods that are alike are merged, which changes no result: within
them capacities, closures and demand are constant, so a merged plan splits evenly and stock runs linearly in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from optimizer.chain.instance import Period

MONTHLY_UNTIL = 6
"""Month up to which periods are months: most stoppages are decided in the first half year."""

QUARTER_MONTHS = 3
YEAR_MONTHS = 12

Effect = tuple[float, float, float]
"""(first month, month in which it ends, share that keeps working) after the start of the window."""

SHARE_DIGITS = 12
"""Digits to which shares are rounded, so that equal periods compare equal."""


@lru_cache(maxsize=1024)
def base_periods(start_year: int, window_months: float, last_year: int) -> tuple[Period, ...]:
    """Unmerged periods of a window, numbered from 1; the last one may end within its month or quarter.

    Args:
        start_year: calendar year whose January opens the window.
        window_months: length of the window.
        last_year: last year of the horizon; later periods use that year's contracts and capacities.
    """
    periods: list[Period] = []
    first = 0.0
    while first < window_months:
        step = 1 if first < MONTHLY_UNTIL else QUARTER_MONTHS
        end = min(first + step, window_months)
        year = min(calendar_year(start_year, first), last_year)
        periods.append(Period(len(periods) + 1, year, first, end - first))
        first = end
    return tuple(periods)


def calendar_year(start_year: int, month: float) -> int:
    """Calendar year in which a month of the window lies, month 0 being January of the start year."""
    return start_year + int(month // YEAR_MONTHS)


def average_share(period: Period, effects: Iterable[Effect]) -> float:
    """Time-weighted average over the period of the share that keeps working.

    Where several effects of one event act at the same time the smallest share counts: they describe one cause, and a
    plant that is stopped is not stopped twice.
    """
    return _average(period.first_month, period.months, tuple(effects))


@lru_cache(maxsize=1 << 16)
def _average(start: float, months: float, effects: tuple[Effect, ...]) -> float:
    end = start + months
    acting = [
        (max(first, start), min(last, end), share) for first, last, share in effects if first < end and last > start
    ]
    cuts = sorted({start, end, *(cut for first, last, _ in acting for cut in (first, last))})
    total = 0.0
    for left, right in pairwise(cuts):
        total += (right - left) * min(
            [1.0, *(share for first, last, share in acting if first <= left and right <= last)]
        )
    return round(total / months, SHARE_DIGITS)


def merged_periods(
    periods: Sequence[Period], start_year: int, shares: Iterable[Sequence[float]]
) -> tuple[tuple[Period, ...], tuple[int, ...]]:
    """Join neighbouring periods of one calendar year in which every share is the same.

    Args:
        periods: unmerged periods.
        start_year: calendar year of month 0.
        shares: for each thing that is hit, its share in every period.

    Returns:
        The merged periods, numbered from 1, and for each the position of its first unmerged period.
    """
    vectors = list({tuple(vector) for vector in shares})
    merged: list[Period] = []
    sources: list[int] = []
    for position, period in enumerate(periods):
        if merged and _is_alike(periods, position, start_year, vectors):
            last = merged[-1]
            merged[-1] = Period(last.period, last.year, last.first_month, last.months + period.months)
        else:
            merged.append(Period(len(merged) + 1, period.year, period.first_month, period.months))
            sources.append(position)
    return tuple(merged), tuple(sources)


def _is_alike(periods: Sequence[Period], position: int, start_year: int, vectors: Sequence[Sequence[float]]) -> bool:
    """Whether a period can join the one before it."""
    before, after = periods[position - 1], periods[position]
    if calendar_year(start_year, before.first_month) != calendar_year(start_year, after.first_month):
        return False
    return all(vector[position - 1] == vector[position] for vector in vectors)
