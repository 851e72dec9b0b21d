"""Runs compared: their frontiers in one picture, and the steps from one plan's cost to the other's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.report import theme
from optimizer.report.write import picture, put, specification

HEIGHT = 300
SMALL_SHARE = 0.05
"""Cost terms that move less than this share of the largest move are shown together."""


def compare_chart(frontiers: Mapping[str, pd.DataFrame], costs: pd.DataFrame, title: str, subtitle: str) -> Any:
    """Frontiers of the runs (by name, the base first), and the waterfall of the last one against the base."""
    import altair as alt

    names = list(frontiers)
    rows = [
        {"run": name, "loss": float(row["loss_months"]), "cost": float(row["cost_musd"])}
        for name, frame in frontiers.items()
        for row in frame.to_dict("records")
    ]
    colour = alt.Color(
        "run:N",
        scale=alt.Scale(domain=names, range=list(theme.CATEGORIES[: len(names)])),
        legend=alt.Legend(title=None, orient="bottom", labelLimit=260),
    )
    curves = (
        alt.Chart(alt.Data(values=rows))
        .mark_line(point=alt.OverlayMarkDef(size=45, filled=True), strokeWidth=1.6)
        .encode(
            x=alt.X("loss:Q", title="Demand lost (months)"),
            y=alt.Y("cost:Q", title="Cost, present value (MUSD)", scale=alt.Scale(zero=False)),
            color=colour,
            order="loss:Q",
        )
        .properties(width=350, height=HEIGHT)
    )
    return (
        alt.hconcat(curves, _waterfall(alt, waterfall_rows(costs)), spacing=24)
        .resolve_scale(color="independent")
        .properties(title=theme.titled(title, subtitle))
    )


def waterfall_rows(costs: pd.DataFrame) -> list[dict[str, Any]]:
    """Bars of the waterfall: the base plan, a step per cost term, the other plan."""
    before, after = float(costs["before_musd"].sum()), float(costs["after_musd"].sum())
    steps = [(str(t).replace("_", " "), float(d)) for t, d in zip(costs["term"], costs["difference_musd"], strict=True)]
    least = SMALL_SHARE * max((abs(change) for _, change in steps), default=0.0)
    told = [step for step in steps if abs(step[1]) > least]
    others = sum(change for _, change in steps) - sum(change for _, change in told)
    level, rows = before, [{"step": "base", "from": 0.0, "to": before, "kind": "plan"}]
    for name, change in [*told, *([("other terms", others)] if abs(others) > 1e-9 else [])]:
        rows.append({"step": name, "from": level, "to": level + change, "kind": "more" if change > 0 else "less"})
        level += change
    return [*rows, {"step": "other", "from": 0.0, "to": after, "kind": "plan"}]


def _waterfall(alt: Any, rows: Sequence[Mapping[str, Any]]) -> Any:
    ends = [value for row in rows for value in (row["from"], row["to"]) if value]
    low = min(ends, default=0.0)
    floor = low - 0.5 * (max(ends, default=1.0) - low) if low > 0 else low
    shown = [{**row, "from": row["from"] or floor} for row in rows]
    kinds = ["plan", "more", "less"]
    scale = alt.Scale(domain=kinds, range=[theme.OTHER, theme.ACCENT, theme.PROOF])
    return (
        alt.Chart(alt.Data(values=shown))
        .mark_bar()
        .encode(
            x=alt.X("step:N", sort=[str(row["step"]) for row in rows], title=None, axis=alt.Axis(labelAngle=-40)),
            y=alt.Y("from:Q", title="MUSD (axis does not start at 0)", scale=alt.Scale(zero=False, domainMin=floor)),
            y2="to:Q",
            color=alt.Color("kind:N", scale=scale, legend=None),
        )
        .properties(width=350, height=HEIGHT)
    )


def write_compare_chart(
    frontiers: Mapping[str, pd.DataFrame], costs: pd.DataFrame, title: str, subtitle: str, folder: Path
) -> list[Path]:
    """Write ``compare.png`` and ``compare.svg`` into a folder, each whole or not at all."""
    spec = specification(compare_chart(frontiers, costs, title, subtitle))
    return [put(folder / f"compare.{ending}", picture(spec, ending)) for ending in ("png", "svg")]
