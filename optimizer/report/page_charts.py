"""Vega-Lite charts of the page: drawn once, then fed with the rows of the plan that is chosen.

Every chart has named data, colours that are CSS variables (so it turns with the page), and the width of its place.
"""

from __future__ import annotations

import math
from typing import Any

from optimizer.report import theme
from optimizer.report.frontier_chart import HEIGHT, FrontierFrame
from optimizer.report.view import RunView

Row = dict[str, Any]
Spec = dict[str, Any]
INK, MUTED, FAINT, PAPER = "var(--ink)", "var(--muted)", "var(--faint)", "var(--paper)"
_ROOM = {"expr": "max(1, (datum.end - datum.start) * width - 8)"}
"""Width of a bar in pixels, which its words must not exceed."""
ACCENT, PROOF, GAIN = "var(--accent)", "var(--proof)", "var(--gain)"


def charts(view: RunView) -> dict[str, Spec]:
    """Specifications by name: ``frontier``, ``shares``, ``waterfall``, ``losses``, ``loads``, ``timeline``."""
    drawn = {
        "frontier": _frontier(view), "shares": _shares(view), "waterfall": _waterfall(), "losses": _losses(),
        "loads": _loads(), "timeline": _timeline(view),
    }  # fmt: skip
    return {name: _spec(chart) for name, chart in drawn.items()}


def _spec(chart: Any) -> Spec:
    """A chart under the page's theme, compiled to Vega so that the page need not do it."""
    import vl_convert

    fit = {"type": "fit-x", "contains": "padding", "resize": True}
    lite = chart.properties(width="container").to_dict(validate=False)
    compiled: Spec = vl_convert.vegalite_to_vega(lite | {"config": theme.page_config(), "autosize": fit})
    return compiled


def _named(name: str) -> Any:
    import altair as alt

    return alt.Chart(alt.NamedData(name=name))


def _fixed(rows: list[Row]) -> Any:
    import altair as alt

    return alt.Chart(alt.Data(values=rows))


def frontier_extent(view: RunView) -> Row:
    """Limits of the frontier's axes, and the loss below which no plan exists."""
    frame = FrontierFrame(view)
    return {"low": frame.low, "high": frame.high, "right": frame.right, "impossible": frame.impossible()}


def _frontier(view: RunView) -> Any:
    """Cost against months lost: the region still open, the proven floor, the plans found."""
    import altair as alt

    frame = FrontierFrame(view)
    x = alt.X("loss:Q", title="Demand lost (months)", axis=alt.Axis(tickCount=8),
              scale=alt.Scale(domain=[0, frame.right], nice=False))  # fmt: skip
    scale = alt.Scale(domain=[frame.low, frame.high], nice=False, zero=False)
    y = alt.Y("cost:Q", title="Cost, present value (MUSD; axis not from 0)", scale=scale, axis=alt.Axis(tickCount=7))
    proven = [{"loss": a, "cost": b} for a, b in frame.proven if math.isfinite(b) and frame.low <= b <= frame.high]
    attained = [{"loss": a, "cost": b} for a, b in frame.attained]
    region = _fixed(frame.region()).mark_area(color="var(--shade)", opacity=0.85, clip=True)
    layers = [region.encode(x=x, y=alt.Y("under:Q", scale=scale), y2="over:Q")]
    if frame.impossible():
        band = _fixed([{"from": 0, "to": frame.impossible(), "low": frame.low, "high": frame.high}])
        layers.append(
            band.mark_rect(color="var(--other)", opacity=0.35).encode(
                x=alt.X("from:Q"), x2="to:Q", y=alt.Y("low:Q", scale=scale), y2="high:Q"
            )
        )
    for rows, colour, width in ((proven, PROOF, 1.6), (attained, INK, 2.2)):
        line = _fixed(rows).mark_line(color=colour, strokeWidth=width, clip=True)
        layers.append(line.encode(x=x, y=y, order="loss:Q"))
    return alt.layer(*layers, *_plans(x, y)).properties(height=HEIGHT)


def _plans(x: Any, y: Any) -> list[Any]:
    """Marks of the plans: a wide ground that takes the pointer, the dot, its number, words at the chosen ones."""
    import altair as alt

    base = _named("plans").encode(x=x, y=y)
    looks = {"fill": "fill:N", "stroke": "stroke:N"}
    own: Row = {
        name: alt.Fill(v, scale=None) if name == "fill" else alt.Stroke(v, scale=None) for name, v in looks.items()
    }
    dots = base.mark_point(opacity=1, filled=True, strokeWidth=2, cursor="pointer")
    texts = base.mark_text(fontSize=theme.TEXT, fontWeight="bold", cursor="pointer")
    # Two lines, the lower of which must clear the curve even where that runs flat: the baseline is the first line's.
    note = _named("words").mark_text(
        fontSize=theme.TEXT + 1, lineHeight=17, baseline="bottom", align="left", dx=14, dy=-12 - 17
    )
    return [
        dots.encode(size=alt.Size("size:Q", scale=None), **own),
        texts.encode(text="inside:N", color=alt.Color("ink:N", scale=None)),
        base.mark_text(dx=9, dy=-11, fontSize=theme.TEXT, color=INK).encode(text="label:N"),
        base.mark_point(size=1100, opacity=0, filled=True, cursor="pointer"),
        note.encode(x=x, y=y, text="text:N", color=alt.Color("ink:N", scale=None)),
    ]  # fmt: skip


def _room(field: str) -> Any:
    """Places the axis must reach, so that words beside the marks have room."""
    return _named("room").mark_point(opacity=0, size=0).encode(x=field)


def _names(limit: int) -> Any:
    """Axis of names: no line, no ticks."""
    import altair as alt

    look = {"labelColor": INK, "labelFontSize": theme.TEXT, "labelLimit": limit, "labelPadding": 10}
    return alt.Axis(domain=False, ticks=False, grid=False, **look)


def _shares(view: RunView) -> Any:
    """Shares of countries in the output of every stage, the plan above, the plan it is compared with below."""
    import altair as alt

    y = alt.Y("stage:N", title=None, sort=None, axis=_names(170), scale=alt.Scale(paddingInner=0.3, paddingOuter=0.1))
    offset = alt.YOffset("slot:N", sort=None, scale=alt.Scale(paddingInner=0.12))
    axis = alt.Axis(format="%", tickCount=5, grid=False)
    x = alt.X("start:Q", title="Share of output by tracked mass", scale=alt.Scale(domain=[0, 1]), axis=axis)
    bars = _named("rows").mark_bar(stroke=PAPER, strokeWidth=1, cursor="pointer").encode(
        x=x, x2="end:Q", y=y, yOffset=offset, fill=alt.Fill("fill:N", scale=None),
        opacity=alt.Opacity("opacity:Q", scale=None),
    )  # fmt: skip
    words = _named("rows").mark_text(fontSize=theme.SMALL, clip=True, align="left", dx=6, limit=_ROOM).encode(
        x=x, y=y, yOffset=offset, text="label:N", color=alt.Color("ink:N", scale=None)
    )  # fmt: skip
    return alt.layer(bars, words).properties(height=alt.Step(46, **{"for": "position"}))


def _waterfall() -> Any:
    """Terms one after another: from nothing to the whole, or from one plan to another."""
    import altair as alt

    y = alt.Y("term:N", title=None, sort=None, axis=_names(200))
    x = alt.X("start:Q", title="USD/kg", scale=alt.Scale(zero=False, nice=False), axis=alt.Axis(tickCount=5))
    base = _named("rows").encode(y=y)
    bars = base.mark_bar(cursor="pointer", height={"band": 0.62}).encode(
        x=x, x2="end:Q", fill=alt.Fill("fill:N", scale=None)
    )
    joints = _named("joints").mark_rule(color=FAINT, strokeDash=[2, 2]).encode(
        x="at:Q", y=alt.Y("from:N", sort=None), y2="to:N"
    )  # fmt: skip
    words = base.mark_text(align="left", dx=6, fontSize=theme.TEXT, color=INK).encode(
        x=alt.X("right:Q"), text="label:N"
    )
    ends = _named("totals").mark_tick(color=INK, thickness=4, height=20).encode(x="at:Q", y=alt.Y("term:N", sort=None))
    return alt.layer(bars, joints, ends, words, _room("at:Q")).properties(height=alt.Step(32))


def _losses() -> Any:
    """Months lost per event: bar to the worst start year, ticks for all, a rim for the plan compared with."""
    import altair as alt

    y = alt.Y("name:N", title=None, sort=None, axis=_names(300))  # fmt: skip
    x = alt.X(
        "loss:Q", title="Demand lost (months)", scale=alt.Scale(domainMin=0, nice=True), axis=alt.Axis(tickCount=6)
    )
    base = _named("rows").encode(y=y)
    ticks = _named("starts").mark_tick(color=PROOF, thickness=2, height=14)
    rim = _named("others").mark_point(shape="diamond", size=80, strokeWidth=2, opacity=1, color=ACCENT, filled=False)
    words = base.mark_text(align="left", dx=10, fontSize=theme.TEXT, color=INK)
    return alt.layer(
        base.mark_bar(height=14, opacity=0.42, color=PROOF, cursor="pointer").encode(x=x),
        ticks.encode(x=x, y=y),
        rim.encode(x=x, y=y),
        words.encode(x=alt.X("right:Q"), text="label:N"),
        _room("loss:Q"),
    ).properties(height=alt.Step(28))


def _loads() -> Any:
    """Load of the largest places under one indicator."""
    import altair as alt

    y = alt.Y("name:N", title=None, sort=None, axis=_names(250))
    x = alt.X("value:Q", title=None, axis=None, scale=alt.Scale(domainMin=0, nice=False))
    base = _named("rows").encode(y=y)
    rim = _named("others").mark_tick(color=ACCENT, thickness=2, height=18)
    return alt.layer(
        base.mark_bar(height=13, color=GAIN, opacity=0.7, cursor="pointer").encode(x=x),
        rim.encode(x=x, y=y),
        base.mark_text(align="left", dx=6, fontSize=theme.SMALL, color=INK).encode(x=alt.X("right:Q"), text="label:N"),
        _room("value:Q"),
    ).properties(height=alt.Step(26))


def _timeline(view: RunView) -> Any:
    """What is in force when: a bar per contract, project and qualification; preparation before it is hollow."""
    import altair as alt

    starts = view.table("portfolio")["start_year"]
    first = int(view.setting("first_year") or (starts.min() if len(starts) else 0))
    last = first + view.years
    y = alt.Y("name:N", title=None, sort=None, axis=_names(400))
    years = [{"at": year} for year in range(first, last + 1)]
    axis = alt.Axis(values=[row["at"] + 0.5 for row in years[:-1]], labelExpr="format(floor(datum.value), 'd')",
                    orient="top", title=None, grid=False, ticks=False, domain=False)  # fmt: skip
    scale = alt.Scale(domain=[first - 1, last], nice=False)
    x = alt.X("from:Q", scale=scale, axis=axis)
    base = _named("rows").encode(y=y)
    bars = base.mark_bar(height=14, cornerRadius=2, cursor="pointer", clip=True).encode(
        x=x, x2="to:Q", fill=alt.Fill("fill:N", scale=None), opacity=alt.Opacity("opacity:Q", scale=None),
        stroke=alt.Stroke("stroke:N", scale=None),
    )  # fmt: skip
    lead = _named("leads").mark_bar(height=14, filled=False, strokeDash=[3, 2], strokeWidth=1.2, clip=True).encode(
        x=x, x2="to:Q", y=y, stroke=alt.Stroke("fill:N", scale=None)
    )  # fmt: skip
    words = base.mark_text(align="left", dx=6, fontSize=theme.SMALL, clip=True).encode(
        x=x, text="label:N", color=alt.Color("ink:N", scale=None)
    )
    turns = _fixed(years).mark_rule(color="var(--grid)").encode(x=alt.X("at:Q", scale=scale, axis=axis))
    return alt.layer(turns, bars, lead, words).properties(height=alt.Step(24))
