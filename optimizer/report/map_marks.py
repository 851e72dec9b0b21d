"""Layers of the map in pixels: areas, lines, arrow heads, symbols and text. No scale of Vega takes part in them."""

from __future__ import annotations

from typing import Any

from optimizer.report import theme

Row = dict[str, Any]
FLOW_TIPS = ("flow", "form", "t/yr", "layer")
PLACE_TIPS = ("name", "stage", "t/yr")


def pixel_axes() -> dict[str, Any]:
    """Channels x and y that take pixels from the top left corner as they are."""
    import altair as alt

    return {"x": alt.X("x:Q", axis=None, scale=None), "y": alt.Y("y:Q", axis=None, scale=None)}


def _shaped(features: list[Row]) -> Any:
    import altair as alt

    return alt.Chart(alt.Data(values=features))


def shapes(features: list[Row], fill: str, stroke: str | None = None, width: float = 0.0) -> Any:
    """Areas of one look."""
    look = {"stroke": stroke, "strokeWidth": width} if stroke else {}
    return _shaped(features).mark_geoshape(fill=fill, **look).project(type="identity", scale=1, translate=[0, 0])


def lines(features: list[Row], opacity: float) -> Any:
    """Lines whose features carry ``colour`` and ``width``."""
    import altair as alt

    mark = _shaped(features).mark_geoshape(
        filled=False, fill=None, strokeOpacity=opacity, strokeJoin="round", strokeCap="round"
    )
    drawn = mark.encode(
        stroke=alt.Stroke("properties.colour:N", scale=None),
        strokeWidth=alt.StrokeWidth("properties.width:Q", scale=None),
        **_tips(features),
    )
    return drawn.project(type="identity", scale=1, translate=[0, 0])


def heads(features: list[Row], opacity: float) -> Any:
    """Arrow heads with a light rim, coloured by ``colour``."""
    import altair as alt

    mark = _shaped(features).mark_geoshape(fillOpacity=opacity, stroke=theme.PAPER, strokeWidth=0.7)
    drawn = mark.encode(fill=alt.Fill("properties.colour:N", scale=None), **_tips(features))
    return drawn.project(type="identity", scale=1, translate=[0, 0])


def _tips(features: list[Row]) -> dict[str, Any]:
    import altair as alt

    if not features or "flow" not in features[0]["properties"]:
        return {}
    return {"tooltip": [alt.Tooltip(f"properties.{name}", type="nominal", title=name) for name in FLOW_TIPS]}


def symbols(rows: list[Row], opacity: float = 1.0, rim: bool = False, hollow: bool = False) -> Any:
    """Symbols with ``x``, ``y``, ``size``, ``colour`` and ``shape``; tooltips where the rows carry names."""
    import altair as alt

    mark = alt.Chart(alt.Data(values=rows)).mark_point(
        filled=True, opacity=1, fillOpacity=opacity, strokeWidth=1.4 if hollow else 0.9 if rim else 0.0
    )
    colour = "colour:N"
    fill = alt.value(theme.PAPER) if hollow else alt.Fill(colour, scale=None)
    stroke = alt.Stroke(colour, scale=None) if hollow else alt.value(theme.PAPER)
    tips = [alt.Tooltip(name, type="nominal") for name in PLACE_TIPS] if rows and "name" in rows[0] else []
    return mark.encode(
        **pixel_axes(),
        size=alt.Size("size:Q", scale=None),
        shape=alt.Shape("shape:N", scale=None),
        fill=fill,
        stroke=stroke,
        **({"tooltip": tips} if tips else {}),
    )


def texts(
    rows: list[Row],
    colour: str = theme.INK,
    weight: str = "normal",
    style: str = "normal",
    halo: bool = False,
    align: str = "left",
) -> Any:
    """Lines of text that stand at ``x`` and are centred on ``y``; ``halo`` sets them off from what lies below."""
    import altair as alt

    base = alt.Chart(alt.Data(values=rows)).encode(**pixel_axes(), text="text:N")
    look = {"align": align, "baseline": "middle", "fontSize": theme.SMALL, "fontWeight": weight, "fontStyle": style}
    front = base.mark_text(color=colour, **look)
    if not halo:
        return front
    back = base.mark_text(
        color=theme.PAPER, stroke=theme.PAPER, strokeWidth=3, strokeOpacity=0.85, strokeJoin="round", **look
    )
    return alt.layer(back, front)
