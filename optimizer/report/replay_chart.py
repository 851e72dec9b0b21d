"""A replay beside what was seen: share of normal trade, month by month, one panel per series."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from optimizer.report import theme

SEEN, MODEL = "seen at the time", "the plan in the model"
PANEL = 250
"""Width of a panel, pixels."""


def replay_chart(actuals: pd.DataFrame, title: str, subtitle: str) -> Any:
    """Chart of one replay of one point.

    Args:
        actuals: rows of ``stress_replay_actuals``: ``series, month, period, model_share, actual_share``.
        title: what the chart finds.
        subtitle: what is shown.
    """
    kinds = (("actual_share", SEEN), ("model_share", MODEL))
    parts = [
        actuals[["series", "period"]].assign(share=actuals[column].astype(float), kind=name) for column, name in kinds
    ]
    frame = pd.concat(parts, ignore_index=True).dropna(subset=["share"])
    panels = sorted(frame["series"].unique(), key=lambda name: (-len(frame[frame["series"] == name]), name))
    return (
        alt.hconcat(*(_panel(frame[frame["series"] == name], name) for name in panels), spacing=18)
        .resolve_scale(y="shared", color="shared")
        .properties(title=theme.titled(title, subtitle))
    )


def _panel(frame: pd.DataFrame, name: str) -> Any:
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=[SEEN, MODEL], range=[theme.ACCENT, theme.PROOF]),
        legend=alt.Legend(title=None, orient="bottom"),
    )
    base = alt.Chart(alt.Data(values=frame.to_dict("records"))).encode(
        x=alt.X("period:O", title=None, axis=alt.Axis(labelAngle=-45)),
        y=alt.Y("share:Q", title="share of normal trade", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1.25])),
        color=colour,
        shape=alt.Shape("kind:N", scale=alt.Scale(domain=[SEEN, MODEL], range=["circle", "diamond"]), legend=None),
    )
    line = base.mark_line(strokeWidth=2.5)
    return (line + base.mark_point(filled=True, size=60, opacity=1)).properties(
        width=PANEL, height=240, title=alt.TitleParams(name, anchor="start", fontSize=theme.TEXT, offset=6)
    )
