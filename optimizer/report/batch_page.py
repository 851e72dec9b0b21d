"""The index page of a batch: all frontiers over each other, key figures, maps small, links; nothing is fetched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pandas as pd

from optimizer.report import numbers, theme

MANY = 8
"""Variations up to which each has a colour of its own."""

CHART_WIDTH, CHART_HEIGHT = 400, 270


@dataclass(frozen=True)
class Entry:
    """One job of the batch, as the page shows it.

    Attributes:
        case, variation: names.
        status: how it ended, in words.
        message: what went wrong, if anything.
        seconds: time its run took.
        gap_share: mean gap of its certificate, or None.
        folder, report, picture: paths from the page to its run folder, page and map; "" if there is none.
    """

    case: str
    variation: str
    status: str
    message: str
    seconds: float
    gap_share: float | None
    folder: str
    report: str
    picture: str


def batch_page(title: str, entries: Sequence[Entry], frontiers: pd.DataFrame) -> str:
    """The page as HTML, all text escaped, the drawing program inside.

    Args:
        title: heading.
        entries: every job that ended.
        frontiers: all points, with the columns ``case, variation`` beside those of ``frontier``.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    kit = Environment(
        loader=PackageLoader("optimizer.report", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    script = _script(_spec(frontiers)) if "cost_musd" in frontiers else ""
    return kit.get_template("batch.html.j2").render(
        title=title,
        entries=entries,
        missing=sum(not entry.folder for entry in entries),
        rows=[_row(entry, frontiers) for entry in entries],
        pictures=[entry for entry in entries if entry.picture],
        wrong=_wrong(entries),
        link=lambda path: quote(path, safe="/"),
        script=Markup(script),
        light=Markup(theme.css_colours(False)),
        dark=Markup(theme.css_colours(True)),
        font=Markup(theme.FONT),
    )


def _wrong(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    """What went wrong, each message once with the jobs it came from."""
    names: dict[str, list[str]] = {}
    for entry in entries:
        if entry.message:
            names.setdefault(entry.message, []).append(f"{entry.case}, {entry.variation}")
    return [("; ".join(jobs), message) for message, jobs in names.items()]


def _row(entry: Entry, frontiers: pd.DataFrame) -> dict[str, str]:
    """Figures of a job: its two ends, how many points, how far they are proven."""
    row = {"time": f"{entry.seconds:.0f} s" if entry.seconds else "", "points": "", "cheapest": "", "safest": ""}
    gap = entry.gap_share
    row["gap"] = "" if gap is None else numbers.percent(float(gap))
    if "cost_musd" not in frontiers:
        return row
    own = frontiers[(frontiers["case"] == entry.case) & (frontiers["variation"] == entry.variation)]
    if len(own):
        row |= {"points": str(len(own)), "cheapest": _least(own, "cost_musd"), "safest": _least(own, "loss_months")}
    return row


def _least(points: pd.DataFrame, column: str) -> str:
    point = points.sort_values(column, kind="stable").iloc[0]
    return f"{numbers.musd(float(point['cost_musd']))}, {numbers.months(float(point['loss_months']))}"


def _spec(frontiers: pd.DataFrame) -> dict[str, Any]:
    """Frontiers of a case over each other, one panel per case; a click in the legend leaves one standing out."""
    import altair as alt

    variations = list(dict.fromkeys(frontiers["variation"]))
    colours = theme.category_colours(variations)
    domain = [name for name in variations if name in colours]
    picked = alt.selection_point(fields=["variation"], bind="legend")
    legend = alt.Legend(orient="bottom", columns=2, labelLimit=CHART_WIDTH)
    scale = alt.Scale(domain=domain, range=[colours[name] for name in domain])
    if len(domain) > MANY:
        scale = alt.Scale(domain=domain, scheme="tableau20")
    columns = ["case", "variation", "point", "cost_musd", "loss_months", "gap_share"]
    data = alt.Data(values=frontiers[columns].to_dict("records"))
    base = alt.Chart(data).encode(
        x=alt.X("loss_months:Q", title="Demand lost (months)", scale=alt.Scale(zero=True, nice=False)),
        y=alt.Y("cost_musd:Q", title="Cost (MUSD)", scale=alt.Scale(zero=False)),
        color=alt.Color("variation:N", scale=scale, title="Variation", sort=domain, legend=legend),
        opacity=alt.condition(picked, alt.value(1.0), alt.value(0.12)),
        order="loss_months:Q",
        tooltip=[
            alt.Tooltip("case:N"), alt.Tooltip("variation:N"), alt.Tooltip("point:Q"),
            alt.Tooltip("cost_musd:Q", title="cost, MUSD", format=",.1f"),
            alt.Tooltip("loss_months:Q", title="months lost", format=".2f"),
            alt.Tooltip("gap_share:Q", title="gap", format=".2%"),
        ],
    )  # fmt: skip
    layers = alt.layer(base.mark_line(strokeWidth=2), base.mark_circle(size=42).add_params(picked))
    panel = layers.properties(width=CHART_WIDTH, height=CHART_HEIGHT)
    facets = panel.facet(facet=alt.Facet("case:N", title=None), columns=2).resolve_scale(
        x="independent", y="independent"
    )
    spec: dict[str, Any] = facets.to_dict(validate=False)
    return spec | {"config": theme.page_config() | {"autosize": {"type": "pad"}}}


def _script(spec: dict[str, Any]) -> str:
    """The drawing program and the chart; no text of a table can end the element it stands in."""
    import vl_convert

    content = json.dumps(spec, ensure_ascii=True).replace("<", "\\u003c")
    options = '{"renderer": "svg", "actions": false}'
    call = f'vegaEmbed("#frontiers", {content}, {options});'
    return str(vl_convert.javascript_bundle(call)).replace("</script", "<\\/script")
