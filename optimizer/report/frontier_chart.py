"""The frontier: cost against months lost, with the certificate drawn as the region a better plan could still be in."""

from __future__ import annotations

import math
from typing import Any

from optimizer.report import numbers, theme
from optimizer.report.frontier_curves import attained_curve, height, proven_curve
from optimizer.report.view import RunView

HEIGHT = 430

Row = dict[str, Any]


CROWDED = 0.035
"""Points nearer than this share of both axes share a number."""


def finding(view: RunView) -> str:
    """What the frontier says, in one sentence with figures."""
    best, first = view.row(view.recommended), view.row(view.points[0])
    if view.recommended == view.points[0]:
        return f"The plan costs {numbers.musd(first['cost_musd'])} and loses {numbers.months(first['loss_months'])}"
    dearer = numbers.percent_words(numbers.ratio(best["cost_musd"], first["cost_musd"]) - 1)
    safer = numbers.percent_words(1 - numbers.ratio(best["loss_months"], first["loss_months"]))
    dearer = dearer[:1].upper() + dearer[1:]
    return f"{dearer} more cost takes away {safer} of the loss: plan {view.recommended}"


def certificate(view: RunView) -> str:
    """How far the plans are from what is proven, in one sentence."""
    figures = view.run.manifest.get("certificate") or {}
    if figures.get("mean_gap_share") is not None and figures.get("max_gap_share") is not None:
        mean, most = numbers.percent(figures["mean_gap_share"]), numbers.percent(figures["max_gap_share"])
        return (
            f"Proven: no plan of the case is cheaper at the same loss by more than {mean} on average, {most} at most."
        )
    gap = numbers.percent(float(view.frontier["gap_share"].max()))
    return f"Proven: no plan of the case with at most this loss is cheaper by more than {gap}."


class FrontierFrame:
    """Limits of the axes and curves inside them."""

    def __init__(self, view: RunView) -> None:
        losses, costs = view.frontier["loss_months"].tolist(), view.frontier["cost_musd"].tolist()
        self.right = max(losses) * 1.1 or 1.0
        self.attained = attained_curve(view.frontier, view.table("segments"), self.right)
        self.proven = proven_curve(view.table("bounds"), 0.0, self.right)
        bounds = [y for x, y in self.proven if math.isfinite(y) and x >= min(losses)]
        low, high = min([*costs, *bounds]), max(costs)
        room = max(0.1 * (high - low), 0.002 * abs(high), 1e-6)
        self.low, self.high = low - 0.6 * room, high + 1.4 * room

    def region(self) -> list[Row]:
        """Where a better plan could be: above what is proven, below what is attained."""
        corners = sorted({x for x, _ in self.attained} | {x for x, _ in self.proven})
        bound = dict(self.proven)
        rows: list[Row] = []
        for x in corners:
            under = bound.get(x, height(self.proven, x))
            over = min(height(self.attained, x), self.high)
            rows.append({"loss": x, "under": max(self.low, min(under, over)), "over": over})
        return rows

    def impossible(self) -> float:
        """Loss up to which no plan exists, proven; 0 if nothing is proven."""
        return max((x for x, y in self.proven if math.isinf(y) and y > 0), default=0.0)


def frontier_chart(view: RunView) -> Any:
    """Altair chart of the frontier."""
    import altair as alt

    frame = FrontierFrame(view)
    x = alt.X(
        "loss:Q",
        title="Demand lost (months)",
        axis=alt.Axis(tickCount=8),
        scale=alt.Scale(domain=[0, frame.right], nice=False),
    )
    y = alt.Y("cost:Q", title="Cost, present value (MUSD; axis does not start at 0)", scale=_scale(frame))
    proven = [{"loss": a, "cost": b} for a, b in frame.proven if frame.low <= b <= frame.high]
    attained = [{"loss": a, "cost": b} for a, b in frame.attained]
    region = alt.Chart(alt.Data(values=frame.region())).mark_area(color=theme.SHADE, opacity=0.75, clip=True)
    layers = [
        region.encode(x=x, y=alt.Y("under:Q", scale=_scale(frame)), y2="over:Q"),
        *_closed(frame),
        _line(proven, theme.PROOF, 1.4).encode(x=x, y=y, order="loss:Q"),
        _line(attained, theme.INK, 2.2).encode(x=x, y=y, order=alt.Order("loss:Q")),
        *_marks(view, frame, x, y),
        *_notes(view, frame),
    ]
    reading = f"Demand lost: {view.measure}. {certificate(view)}"
    title = alt.TitleParams(**theme.titled(finding(view), reading))
    return alt.layer(*layers).properties(width=theme.WIDTH - 90, height=HEIGHT, title=title)


def _scale(frame: FrontierFrame) -> Any:
    import altair as alt

    return alt.Scale(domain=[frame.low, frame.high], nice=False, zero=False)


def _line(rows: list[Row], colour: str, width: float) -> Any:
    import altair as alt

    return alt.Chart(alt.Data(values=rows)).mark_line(color=colour, strokeWidth=width, clip=True)


def _closed(frame: FrontierFrame) -> list[Any]:
    """Band of losses that are proven out of reach."""
    import altair as alt

    end = frame.impossible()
    if not end:
        return []
    data = alt.Data(values=[{"from": 0, "to": end, "low": frame.low, "high": frame.high}])
    band = alt.Chart(data).mark_rect(color=theme.OTHER, opacity=0.55)
    return [band.encode(x=alt.X("from:Q"), x2="to:Q", y=alt.Y("low:Q", scale=_scale(frame)), y2="high:Q")]


def _marks(view: RunView, frame: FrontierFrame, x: Any, y: Any) -> list[Any]:
    """Points with their numbers; the recommended one stands out, points stopped by a limit are hollow."""
    import altair as alt

    rows = []
    named = numbered(view)
    for r in view.frontier.to_dict("records"):
        best = int(r["point"]) == view.recommended
        colour = theme.ACCENT if best else theme.INK
        rows.append(
            {
                "loss": float(r["loss_months"]), "cost": float(r["cost_musd"]), "point": str(int(r["point"])),
                "label": str(int(r["point"])) if int(r["point"]) in named else "",
                "size": 190 if best else 70, "colour": colour,
                "fill": colour if str(r["status"]) == "optimal" else theme.PAPER,
                "per kg": numbers.usd_per_kg(float(r["cost_usd_per_kg"])), "status": str(r["status"]),
                "gap": numbers.percent(float(r["gap_share"])), "bound": float(r["cost_bound_musd"]),
            }
        )  # fmt: skip
    base = alt.Chart(alt.Data(values=rows)).encode(x=x, y=y)
    tips = [
        alt.Tooltip(f"{name}:N" if name in ("point", "per kg", "gap", "status") else f"{name}:Q")
        for name in ("point", "loss", "cost", "bound", "gap", "per kg", "status")
    ]
    dots = base.mark_point(filled=True, opacity=1, strokeWidth=1.8).encode(
        size=alt.Size("size:Q", scale=None),
        fill=alt.Fill("fill:N", scale=None),
        stroke=alt.Stroke("colour:N", scale=None),
        tooltip=tips,
    )
    labels = base.mark_text(dx=9, dy=-11, fontSize=theme.TEXT, fontWeight="bold").encode(
        text="label:N", color=alt.Color("colour:N", scale=None)
    )
    return [dots, labels]


def numbered(view: RunView) -> set[int]:
    """Points that get a number: the recommended one, and those far enough from a numbered neighbour to be read."""
    table = view.frontier.set_index("point")[["loss_months", "cost_musd"]].astype(float)
    spread = (table.max() - table.min()).replace(0.0, 1.0)
    named = [view.recommended]
    for point in table.index:
        apart = ((table.loc[named] - table.loc[point]) / spread).abs().max(axis=1)
        if (apart >= CROWDED).all():
            named.append(int(point))
    return set(named)


def _notes(view: RunView, frame: FrontierFrame) -> list[Any]:
    """Words inside the chart: the recommended plan, the shaded region, the band out of reach."""
    best = view.row(view.recommended)
    told = [
        f"Plan {view.recommended}, recommended: {numbers.musd(best['cost_musd'])},",
        f"{numbers.usd_per_kg(best['cost_usd_per_kg'])}, {numbers.months(best['loss_months'])} lost",
    ]
    span = frame.high - frame.low
    is_right = best["loss_months"] > 0.62 * frame.right
    side = ((-26, -44), "right") if is_right else ((26, -44), "left")
    notes = [_note(best["loss_months"], best["cost_musd"], told, theme.ACCENT, *side)]
    corner = frame.right * 0.995
    legend = [
        ("\u25cf\u2009\u2014 plans found, and mixtures between them", theme.INK),
        ("\u2014 proven: nothing is cheaper than this line", theme.PROOF),
        ("\u25a0 a better plan could only be in here", "#6d9cbf"),
    ]
    if frame.impossible():
        legend.append((f"\u25a0 proven: no plan loses less than {numbers.months(frame.impossible())}", theme.FAINT))
    for k, (text, colour) in enumerate(legend):
        notes.append(_note(corner, frame.high - span * (0.025 + 0.05 * k), [text], colour, (0, 0), "right"))
    return notes


def _note(x: float, y: float, lines: list[str], colour: str, shift: tuple[int, int], align: str = "left") -> Any:
    import altair as alt

    data = alt.Data(values=[{"loss": x, "cost": y, "text": lines}])
    mark = alt.Chart(data).mark_text(
        align=align, dx=shift[0], dy=shift[1], color=colour, fontSize=theme.TEXT, lineHeight=16, baseline="middle"
    )
    return mark.encode(x="loss:Q", y="cost:Q", text="text:N")
