"""Three axes on one sheet: a frontier of cost against loss for every cap on a third thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.report import theme
from optimizer.report.write import picture, put, specification

SHADES = ("#c6dbef", "#08306b")
"""From the loosest to the strictest cap."""


def caps_chart(table: pd.DataFrame, unit: str = "") -> Any:
    """Draw the points of several frontiers, one line per cap, the strictest on top.

    Args:
        table: columns ``limit, cap, status, loss_months, cost_musd`` as ``frontier_under_caps`` gives them; caps
            without a plan are named in the subtitle.
        unit: unit of the caps, for the legend.
    """
    import altair as alt

    found = table[table["loss_months"].notna()]
    caps = sorted(found["cap"].unique(), reverse=True)
    none = sorted(table.loc[table["loss_months"].isna(), "cap"].unique())
    limit = str(table["limit"].iloc[0])
    rows = [
        {"cap": f"{row['cap']:,.6g}", "loss": float(row["loss_months"]), "cost": float(row["cost_musd"])}
        for row in found.sort_values(["cap", "loss_months"], ascending=[False, True]).to_dict("records")
    ]
    labels = [f"{cap:,.6g}" for cap in caps]
    colour = alt.Color(
        "cap:N",
        sort=labels,
        scale=alt.Scale(domain=labels, range=_shades(len(labels))),
        legend=alt.Legend(title=f"{limit}, at most{f' ({unit})' if unit else ''}", orient="right", symbolType="circle"),
    )
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("loss:Q", title="months of weighted demand lost in a shock (resilience measure)"),
        y=alt.Y("cost:Q", title="cost, million USD, present value", scale=alt.Scale(zero=False)),
        color=colour,
    )
    told = f" No plan at all at {', '.join(f'{cap:,.6g}' for cap in none)}." if none else ""
    return (base.mark_line(interpolate="linear") + base.mark_circle(size=60, opacity=1)).properties(
        width=theme.WIDTH - 300,
        height=340,
        title=theme.titled(
            "What resilience costs under a cap on a third thing",
            f"Each line is a frontier of its own; lines join plans that were found.{told}",
        ),
    )


def _shades(count: int) -> list[str]:
    """Colours in even steps between the two ends; the only one is the darkest."""
    first, last = ([int(shade[i : i + 2], 16) for i in (1, 3, 5)] for shade in SHADES)
    places = [k / (count - 1) for k in range(count)] if count > 1 else [1.0]
    mixed = ([round(a + (b - a) * place) for a, b in zip(first, last, strict=True)] for place in places)
    return ["#" + "".join(f"{part:02x}" for part in shade) for shade in mixed]


def write_caps_chart(table: pd.DataFrame, file: Path, unit: str = "") -> Path:
    """Write the chart as the ending of the file says (png, svg, html), whole or not at all."""
    return put(file, picture(specification(caps_chart(table, unit)), file.suffix[1:]))
