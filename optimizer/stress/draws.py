"""Fresh shocks for a stress test: drawn from the hazards of the case, or from its own events where it has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from optimizer.errors import DataProblem, Problem
from optimizer.shocks.sample import SampledShocks, sample_shocks

STREAM = 20_260_601
"""Keeps the draws of a stress test apart from those a case may have been built on with the same seed."""


def fresh_shocks(
    tables: Mapping[str, pd.DataFrame],
    chosen: Sequence[str],
    years: Sequence[int],
    count: int,
    seed: int,
    window_months: float,
) -> SampledShocks:
    """Draw shocks that no plan was built for.

    Args:
        tables: of the case.
        chosen: events the plan was built against; used only where the tables hold no hazards.
        years: start years; draws are spread evenly over them.
        count: draws.
        seed: of the user; the stream differs from that of a case's own sampled shocks.
        window_months: durations beyond the window make no difference.

    Raises:
        DataProblem: if there is neither a hazard nor an event with a rate (R008).
    """
    own = int(np.random.SeedSequence([seed, STREAM]).generate_state(1)[0])
    if len(tables.get("hazards", ())):
        return sample_shocks(tables, years=years, count=count, seed=own, longest_months=max(1, int(window_months)))
    return _drawn_events(tables, chosen, years, count, own)


def _drawn_events(
    tables: Mapping[str, pd.DataFrame], chosen: Sequence[str], years: Sequence[int], count: int, seed: int
) -> SampledShocks:
    """Draw the case's events as they stand, each with a probability in proportion to its rate."""
    events = tables.get("events", pd.DataFrame(columns=["event", "rate_per_year"]))
    if chosen:
        events = events[events["event"].isin(list(chosen))]
    rates = events["rate_per_year"].to_numpy(dtype=np.float64)
    total = float(rates.sum())
    if total <= 0 or not years:
        remedy = "add events with their rates, or the tables hazards and hazard_effects"
        raise DataProblem([Problem("R008", "events", found="nothing that could happen", allowed="rates above 0",
                                   remedy=remedy)])  # fmt: skip
    rng = np.random.default_rng(seed)
    numbers = [count // len(years) + (k < count % len(years)) for k in range(len(years))]
    parts = []
    for year, number in zip(years, numbers, strict=True):
        times = rng.multinomial(number, rates / total)
        rows = events.assign(start_year=year, multiplicity=times, rate_per_year=total * times / max(1, number))
        parts.append(rows[times > 0])
    drawn = pd.concat(parts, ignore_index=True)
    effects = tables["event_effects"]
    effects = effects[effects["event"].isin(set(drawn["event"]))]
    length = effects.groupby("event")["to_month"].max().astype(float)
    depth = 1.0 - effects.groupby("event")["open_share"].min().astype(float)
    drawn = drawn.assign(
        hazard=drawn["event"],
        duration_months=drawn["event"].map(length).fillna(0.0).astype(float),
        depth_share=drawn["event"].map(depth).fillna(0.0).astype(float),
    )
    return SampledShocks(drawn, effects, count, total)
