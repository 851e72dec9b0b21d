r"""All figures at once: draws from triangular ranges, what moves with what, and which figure is worth knowing.

Every figure is drawn between its low and high with the base as mode, independently, by a Latin hypercube. The value of
knowing a figure before choosing (expected value of partial perfect information) is

.. math:: \min_k E[v_k] - E_f\big[\min_k E[v_k \mid f]\big]

over the plans k with value v (cost plus the price of a month times loss). The conditional means are regressions on the
figure's level, one slope below and one above its base (Strong, Oakley and Brennan 2014 use richer curves).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from optimizer.sensitivity.figures import Figure
from optimizer.sensitivity.losses import Losses
from optimizer.sensitivity.pricing import Plans
from optimizer.solve.compiled import Floats

STABLE = 0.9
"""Share of draws in which a pick must be right to be called stable."""
QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Draws:
    """Levels and what the plans then cost and lose.

    Attributes:
        figures: names, in the order of the columns of ``levels``.
        levels: draw x figure.
        costs: draw x plan, MUSD.
        losses: draw x plan, months.
    """

    figures: tuple[str, ...]
    levels: Floats
    costs: Floats
    losses: Floats

    def values(self, month_musd: float) -> Floats:
        """Draw x plan: cost plus what its loss counts for, MUSD."""
        return np.asarray(self.costs + month_musd * self.losses, dtype=np.float64)


def draw_levels(figures: Sequence[Figure], samples: int, seed: int) -> Floats:
    """Levels, draw x figure: triangular between low and high with the base as mode, by a Latin hypercube."""
    if not figures:
        return np.zeros((samples, 0))
    uniform = stats.qmc.LatinHypercube(d=len(figures), rng=np.random.default_rng(seed)).random(samples)
    levels: Floats = np.zeros((samples, len(figures)))
    for column, figure in enumerate(figures):
        below, above = 1.0 - figure.low_share, figure.high_share - 1.0
        drawn = stats.triang.ppf(uniform[:, column], below / (below + above), loc=-below, scale=below + above)
        levels[:, column] = np.where(drawn < 0, drawn / (below or 1.0), drawn / (above or 1.0))
    return levels


def joint_draws(
    figures: Sequence[Figure],
    plans: Plans,
    losses: Losses,
    samples: int,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Draws:
    """Cost and loss of every plan in every draw; figures that only act at first order stay at their base."""
    moving = [figure for figure in figures if figure.effect != "first_order"]
    names = tuple(figure.figure for figure in moving)
    levels = draw_levels(moving, samples, seed)
    costs, months = [], []
    for number, row in enumerate(levels):
        at = dict(zip(names, row.tolist(), strict=True))
        costs.append(plans.costs(at))
        months.append(losses.months(at))
        progress(number + 1, samples)
    return Draws(names, levels, np.array(costs), np.array(months))


def spread_table(draws: Draws, points: Sequence[int], base: tuple[Floats, Floats], month_musd: float) -> pd.DataFrame:
    """Cost and loss of every point over the draws, and in how many draws it is the best of the points."""
    best = draws.values(month_musd).argmin(axis=1)
    rows = []
    for place, point in enumerate(points):
        row: dict[str, float | int] = {"point": point, "cost_musd": base[0][place], "loss_months": base[1][place]}
        for name, values in (("cost_{}_musd", draws.costs), ("loss_{}_months", draws.losses)):
            row[name.format("mean")] = float(values[:, place].mean())
            for share, value in zip(QUANTILES, np.quantile(values[:, place], QUANTILES), strict=True):
                row[name.format(f"p{round(100 * share):02d}")] = float(value)
        row["best_share"] = float((best == place).mean())
        rows.append(row)
    return pd.DataFrame(rows)


def worth_table(draws: Draws, place: int, month_musd: float) -> pd.DataFrame:
    """Rank correlation of every figure with the chosen plan's cost and loss, and the value of knowing it first."""
    values = draws.values(month_musd)
    rows: list[dict[str, Any]] = [
        {
            "figure": name,
            "cost_rank_correlation": _spearman(draws.levels[:, column], draws.costs[:, place]),
            "loss_rank_correlation": _spearman(draws.levels[:, column], draws.losses[:, place]),
            "worth_knowing_musd": partial_information(draws.levels[:, column], values),
        }
        for column, name in enumerate(draws.figures)
    ]
    rows.sort(
        key=lambda row: (-float(row["worth_knowing_musd"]), -abs(float(row["cost_rank_correlation"])), row["figure"])
    )
    columns = ["rank", "figure", "cost_rank_correlation", "loss_rank_correlation", "worth_knowing_musd"]
    return pd.DataFrame([{"rank": rank, **row} for rank, row in enumerate(rows, start=1)], columns=columns)


def _spearman(levels: Floats, values: Floats) -> float:
    if np.ptp(levels) == 0.0 or np.ptp(values) <= 1e-9 * (1.0 + float(np.abs(values).max())):
        return 0.0
    return float(stats.spearmanr(levels, values).statistic)


def perfect_information(values: Floats) -> float:
    """Value of knowing every figure before choosing, MUSD: the best on average less the average of the best."""
    return max(0.0, float(values.mean(axis=0).min() - values.min(axis=1).mean()))


def partial_information(levels: Floats, values: Floats) -> float:
    """Value of knowing one figure before choosing among the plans (formula of the module), MUSD.

    Args:
        levels: of the figure, per draw.
        values: draw x plan, MUSD; less is better.
    """
    parts = [np.ones_like(levels), np.minimum(levels, 0.0), np.maximum(levels, 0.0)]
    basis = np.column_stack([part for k, part in enumerate(parts) if k == 0 or np.ptp(part) > 0.0])
    best = int(values.mean(axis=0).argmin())
    margins = values - values[:, [best]]
    fitted = basis @ np.linalg.lstsq(basis, margins, rcond=None)[0]
    return max(0.0, float(fitted.mean(axis=0).min() - fitted.min(axis=1).mean()))


def picks_table(draws: Draws, picks: Sequence[Mapping[str, tuple[str, ...]]], month_musd: float) -> pd.DataFrame:
    """How often every pick belongs to the plan that is best in a draw.

    Args:
        draws: of the plans.
        picks: per plan, pick → (kind, facility, stage, country).
        month_musd: price of a month.
    """
    share = np.bincount(draws.values(month_musd).argmin(axis=1), minlength=len(picks)) / len(draws.levels)
    frequency: dict[str, float] = {}
    about: dict[str, tuple[str, ...]] = {}
    for weight, own in zip(share, picks, strict=True):
        about.update(own)
        for pick in own:
            frequency[pick] = frequency.get(pick, 0.0) + float(weight)
    columns = ["pick", "kind", "facility", "stage", "country_iso3", "draw_share", "is_stable"]
    rows: list[tuple[Any, ...]] = [(pick, *about[pick], times, times >= STABLE) for pick, times in frequency.items()]
    rows.sort(key=lambda row: (-float(row[5]), row[1], row[0]))
    table = pd.DataFrame(rows, columns=columns)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return table
