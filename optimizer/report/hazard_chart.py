"""Rates of hazards with their intervals: what the history says, and how little it knows of rare things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from optimizer.report import theme
from optimizer.report.write import picture, put, specification

ROW = 17
"""Height of a hazard, pixels."""

Row = Mapping[str, Any]


def rates_chart(hazards: Sequence[Row]) -> Any:
    """Draw yearly rates of hazards, most frequent first, with 90 % intervals, on a logarithmic axis.

    Args:
        hazards: rows of the table hazards; members of a class are shown one by one, not summed.
    """
    import altair as alt

    rows = [
        {
            "hazard": str(row["name"]),
            "rate": float(row["rate_per_year"]),
            "low": max(float(row["low"]), FLOOR),
            "high": float(row["high"]),
            "seen": "seen on record" if int(row["event_count"]) else "never seen: borrowed from its cause",
        }
        for row in sorted(hazards, key=lambda row: -float(row["rate_per_year"]))
    ]
    factor = median(float(row["high"]) / max(float(row["low"]), FLOOR) for row in hazards)
    order = [str(row["hazard"]) for row in rows]
    kinds = ["seen on record", "never seen: borrowed from its cause"]
    y = alt.Y("hazard:N", sort=order, title=None, axis=alt.Axis(labelLimit=300, ticks=False, domain=False))
    scale = alt.Scale(type="log", domain=[FLOOR, 1], clamp=True)
    axis = alt.Axis(values=[0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1], format="~g")
    colour = alt.Color(
        "seen:N",
        scale=alt.Scale(domain=kinds, range=[theme.PROOF, theme.FAINT]),
        legend=alt.Legend(title=None, orient="top", symbolType="circle", labelLimit=400),
    )
    base = alt.Chart(alt.Data(values=rows)).encode(y=y, color=colour)
    x = alt.X(
        "low:Q", scale=scale, axis=axis, title="starts a year (logarithmic), for one of those a hazard may strike"
    )
    bars = base.mark_rule(strokeWidth=5, opacity=0.35).encode(x=x, x2="high:Q")
    dots = base.mark_circle(size=70, opacity=1).encode(x=alt.X("rate:Q", scale=scale))
    return (bars + dots).properties(
        width=theme.WIDTH - 300,
        height=ROW * len(rows),
        title=theme.titled(
            f"The yearly rate of a hazard is known to within a factor of {factor:.0f} or so",
            "Posterior mean and 90 % interval of the yearly rate, estimated from disruptions and incidents "
            "between 1998 and 2026, pooled within each cause.",
        ),
    )


FLOOR = 0.001
"""Left end of the axis, 1/yr; intervals that reach further left are cut here."""


def write_rates_chart(hazards: Sequence[Row], file: Path) -> Path:
    """Write the chart of rates as the ending of the file says (png, svg, html), whole or not at all."""
    return put(file, picture(specification(rates_chart(hazards)), file.suffix[1:]))
