"""Which figures move a plan: bars from low to high for its cost and for its loss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.report import theme
from optimizer.report.write import picture, put, specification

SHOWN = 15
"""Figures on the chart; the table holds them all."""
ROW = 24
"""Height of a bar with its space, pixels."""
LETTERS = 46
LOW, HIGH = "figure at its low", "figure at its high"


def tornado_chart(table: pd.DataFrame, title: str, subtitle: str) -> Any:
    """Chart of the widest figures of ``sensitivity_figures``, cost on the left, loss on the right."""
    import altair as alt

    shown = table.head(SHOWN)
    names = _told(shown)
    parts = []
    for ends, unit, where in (
        (("cost_low_musd", "cost_high_musd"), "change of cost, MUSD", "left"),
        (("loss_low_months", "loss_high_months"), "change of loss, months", "right"),
    ):
        rows = [
            {"figure": name, "end": end, "change": float(value)}
            for end, column in zip((LOW, HIGH), ends, strict=True)
            for name, value in zip(names, shown[column], strict=True)
        ]
        parts.append(_bars(alt, rows, names, unit, where == "left"))
    return (
        alt.hconcat(*parts, spacing=14)
        .resolve_scale(color="shared", y="independent")
        .properties(title=theme.titled(title, subtitle))
    )


def _told(shown: pd.DataFrame) -> list[str]:
    """Names that fit, each once: two that only differ in what is cut off keep their rank."""
    short = [theme.shortened(str(name), LETTERS) for name in shown["label"]]
    ranks = shown["rank"].tolist()
    return [name if short.count(name) == 1 else f"{name} ({ranks[k]})" for k, name in enumerate(short)]


def _bars(alt: Any, rows: list[dict[str, Any]], names: Sequence[str], unit: str, is_named: bool) -> Any:
    axis = alt.Axis(labels=is_named, labelLimit=360, ticks=False, domain=False, title=None)
    colour = alt.Color(
        "end:N",
        scale=alt.Scale(domain=[LOW, HIGH], range=[theme.PROOF, theme.ACCENT]),
        legend=alt.Legend(title=None, orient="bottom"),
    )
    base = alt.Chart(alt.Data(values=rows)).encode(y=alt.Y("figure:N", sort=list(names), axis=axis))
    bars = base.mark_bar(opacity=0.85).encode(x=alt.X("change:Q", title=unit, stack=None), color=colour)
    line = alt.Chart(alt.Data(values=[{"zero": 0}])).mark_rule(color=theme.INK).encode(x="zero:Q")
    return (bars + line).properties(width=290, height=ROW * len(names))


def write_tornado_chart(table: pd.DataFrame, title: str, subtitle: str, folder: Path) -> list[Path]:
    """Write ``tornado.png`` and ``tornado.svg`` into a folder, each whole or not at all; none without figures."""
    if table.empty:
        return []
    spec = specification(tornado_chart(table, title, subtitle))
    return [put(folder / f"tornado.{ending}", picture(spec, ending)) for ending in ("png", "svg")]
