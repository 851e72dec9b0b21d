"""Charts of what the plans are made of: shares of countries, losses by shock, cost per kilogram by term."""

from __future__ import annotations

from typing import Any

import pandas as pd

from optimizer.report import numbers, theme
from optimizer.report.view import NOTHING, RunView, country, listed, spoken

MOST_COUNTRIES = 8
LOSS_WIDTH = 440
LEAST_FALL = 0.04
PLAIN = 0.005
"""Months below which a loss is shown as none."""
Row = dict[str, Any]


def shares_chart(view: RunView) -> Any:
    """Share of every country in the output of every stage, per point."""
    import altair as alt

    frame = view.table("shares")
    rows, order = _share_rows(view, frame)
    colours = theme.category_colours(order)
    colour = alt.Color(
        "country:N",
        scale=alt.Scale(domain=order, range=[colours[name] for name in order]),
        legend=alt.Legend(title="Country of the plant", orient="right"),
    )
    bars = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(stroke=theme.PAPER, strokeWidth=0.6)
        .encode(
            x=alt.X("point:O", title="Plan, from the cheapest to the safest", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("share:Q", title="Share of output", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%")),
            color=colour,
            order=alt.Order("rank:Q"),
            tooltip=[alt.Tooltip("stage:N"), alt.Tooltip("country:N"), alt.Tooltip("share:Q", format=".1%")],
        )
        .properties(width=205, height=150)
    )
    stages = [theme.shortened(spoken(stage), 26) for stage in view.stages if (frame["stage"] == stage).any()]
    panels = bars.facet(facet=alt.Facet("stage:N", sort=stages, title=None), columns=3)
    reading = "Share of each country in the output of each stage over the horizon, by mass of the tracked elements (%)"
    return panels.properties(title=alt.TitleParams(**theme.titled(shares_finding(view), reading)))


def _share_rows(view: RunView, frame: pd.DataFrame) -> tuple[list[Row], list[str]]:
    """Rows with small countries gathered, and the countries by their total."""
    totals = frame.groupby("country_iso3")["flow_share"].sum().sort_values(ascending=False, kind="stable")
    kept = {str(code) for code in totals.index[: MOST_COUNTRIES - 1]}
    order = [theme.shortened(country(code), 26) for code in totals.index if str(code) in kept]
    named = frame.assign(
        country=[theme.shortened(country(c), 26) if str(c) in kept else "other" for c in frame["country_iso3"]],
        stage=[theme.shortened(spoken(str(stage)), 26) for stage in frame["stage"]],
    )
    if len(totals) > len(kept):
        order.append("other")
    sums = named.groupby(["point", "stage", "country"], as_index=False)["flow_share"].sum()
    rows = [
        {"point": int(p), "stage": str(s), "country": str(c), "share": float(x), "rank": order.index(str(c))}
        for p, s, c, x in zip(sums["point"], sums["stage"], sums["country"], sums["flow_share"], strict=True)
    ]
    return rows, order


def shares_finding(view: RunView) -> str:
    """Whether the country with most of the output loses share from the cheapest to the safest plan, and where."""
    frame, first, last = view.table("shares"), view.points[0], view.points[-1]
    if frame.empty:
        return "No output to share"
    shares = {
        (int(p), str(s), str(c)): float(x)
        for p, s, c, x in zip(frame["point"], frame["stage"], frame["country_iso3"], frame["flow_share"], strict=True)
    }
    stages = [s for s in view.stages if all(any(k[:2] == (p, s) for k in shares) for p in (first, last))]
    totals: dict[str, float] = {}
    for (p, s, c), share in shares.items():
        if p == first and s in stages:
            totals[c] = totals.get(c, 0.0) + share
    if not totals:
        return "Shares of countries by stage"
    code = max(sorted(totals), key=lambda c: totals[c])
    told = {s: [shares.get((p, s, code), 0.0) for p in view.points] for s in stages}
    return _leader(country(code), told, first, last)


def _leader(name: str, told: dict[str, list[float]], first: int, last: int) -> str:
    """Sentence on one country; ``told`` gives its share per plan for every stage."""
    stage = max(told, key=lambda s: told[s][0] - told[s][-1])
    before, after = told[stage][0], told[stage][-1]
    if before - after >= LEAST_FALL:
        start = f"{name}\u2019s share of {spoken(stage)} falls from {numbers.percent(before)} in plan {first}"
        return f"{start} to {numbers.percent(after)} in plan {last}"
    least = {s: min(values) for s, values in told.items()}
    chosen = [s for s in told if least[s] >= 0.5] or [max(least, key=lambda s: least[s])]
    share = numbers.percent(min(least[s] for s in chosen))
    return f"{name} makes at least {share} of the {listed(map(spoken, chosen))} output in every plan"


def event_losses(view: RunView, point: int) -> pd.DataFrame:
    """Losses of a point with event, name, start year and story, losses that are rounding set to 0."""
    shocks = view.table("shocks")[["shock", "event", "name", "start_year", "story", "rate_per_year"]]
    frame = view.of_point("losses", point).merge(shocks, on="shock", how="left")
    losses = frame["loss_months"].astype(float)
    return frame.assign(
        loss_months=losses.where(losses > NOTHING, 0.0),
        event=frame["event"].fillna(frame["shock"]),
        name=frame["name"].fillna(frame["shock"]),
    )


def losses_chart(view: RunView, point: int) -> Any:
    """Loss under every event of a point: bar to the worst start year, a tick per start year; and the cheapest plan."""
    import altair as alt

    frame, first = event_losses(view, point), view.points[0]
    worst = frame.groupby("event", as_index=False).agg(loss=("loss_months", "max"), name=("name", "first"))
    cheapest = event_losses(view, first).groupby("event")["loss_months"].max()
    worst["cheapest"] = worst["event"].map(cheapest).fillna(0.0)
    felt = worst[(worst["loss"] >= PLAIN) | (worst["cheapest"] >= PLAIN)]
    ranked = (felt if len(felt) else worst).sort_values(["loss", "cheapest", "name"], ascending=[False, False, True])
    labels = {str(e): theme.shortened(str(n), 44) for e, n in zip(ranked["event"], ranked["name"], strict=True)}
    bars = [
        {"event": labels[str(r["event"])], "loss": float(r["loss"]), "cheapest": float(r["cheapest"]),
         "told": f"{float(r['loss']):.2f}", "first": f"{float(r['cheapest']):.2f}"}
        for r in ranked.to_dict("records")
    ]  # fmt: skip
    ticks = [
        {"event": labels[str(r["event"])], "loss": float(r["loss_months"]), "start": int(r["start_year"])}
        for r in frame.dropna(subset=["start_year"]).to_dict("records")
        if str(r["event"]) in labels and float(r["loss_months"]) >= PLAIN
    ]
    y = alt.Y("event:N", sort=list(labels.values()), title=None, axis=alt.Axis(labelLimit=330, labelColor=theme.INK))
    reading = (
        f"Months of demand lost within the shock window; bar: worst start year of plan {point}, ticks: every start year"
    )
    if len(worst) > len(ranked):
        reading += f"; not shown: {len(worst) - len(ranked)} events that take nothing in either plan"
    title = alt.TitleParams(**theme.titled(losses_finding(view, point), reading))
    layers = _loss_layers(bars, ticks, y, (point, first))
    return alt.layer(*layers).properties(width=LOSS_WIDTH, height=max(90, 30 * len(ranked)), title=title)


def _loss_layers(bars: list[Row], ticks: list[Row], y: Any, points: tuple[int, int]) -> list[Any]:
    import altair as alt

    point, first = points
    x = alt.X("loss:Q", title="Demand lost (months)", scale=alt.Scale(zero=True, nice=True))
    base = alt.Chart(alt.Data(values=bars)).encode(y=y)
    tips = [alt.Tooltip("event:N"), alt.Tooltip("start:N"), alt.Tooltip("loss:Q", format=".2f")]
    marks = alt.Chart(alt.Data(values=ticks)).mark_tick(color=theme.PROOF, thickness=2, height=15)
    layers = [
        base.mark_bar(height=15, opacity=0.5, color=theme.PROOF).encode(x=x),
        marks.encode(x=x, y=y, tooltip=tips),
        *_column(base, "told", LOSS_WIDTH + 52, f"\u25ac plan {point}", theme.PROOF),
    ]
    if point != first:
        rim = base.mark_point(shape="diamond", size=75, strokeWidth=2, opacity=1, color=theme.ACCENT, filled=False)
        layers.append(rim.encode(x=alt.X("cheapest:Q")))
        layers += _column(base, "first", LOSS_WIDTH + 130, f"\u25ca plan {first}", theme.ACCENT)
    return layers


def _column(base: Any, field: str, at: float, heading: str, colour: str) -> list[Any]:
    """A column of figures at the right, under a heading that is the key of the marks."""
    import altair as alt

    look = {"align": "right", "color": colour, "fontSize": theme.TEXT}
    head = alt.Chart(alt.Data(values=[{"text": heading}])).mark_text(fontWeight="bold", **look)
    return [
        base.mark_text(**look).encode(x=alt.value(at), text=f"{field}:N"),
        head.encode(x=alt.value(at), y=alt.value(-9), text="text:N"),
    ]


def losses_finding(view: RunView, point: int) -> str:
    """How many events cost anything, and which one most."""
    frame = event_losses(view, point)
    if frame.empty:
        return f"Plan {point}: no shocks in this run"
    worst = frame.groupby("event").agg(loss=("loss_months", "max"), name=("name", "first")).sort_values("loss")
    felt = int((worst["loss"] >= 0.005).sum())
    if not felt:
        return f"Plan {point} loses nothing under any of {len(worst)} events"
    top = worst.iloc[-1]
    name = theme.shortened(str(top["name"]), 60)
    told = f"Plan {point} stands {len(worst) - felt} of {len(worst)} events without loss"
    return f"{told}; the worst, \u201c{name}\u201d, takes {numbers.months(float(top['loss']))}"


def cost_per_kg(view: RunView) -> pd.DataFrame:
    """USD/kg by point and term: the term's present value over discounted demand."""
    sums = view.table("costs").groupby(["point", "term"], as_index=False)["cost_musd"].sum()
    rows = view.frontier.set_index("point")
    per_kg = {
        int(p): numbers.ratio(float(u), float(c))
        for p, u, c in zip(rows.index, rows["cost_usd_per_kg"], rows["cost_musd"], strict=True)
    }
    sums["usd_per_kg"] = sums["cost_musd"].astype(float) * sums["point"].map(per_kg).astype(float)
    sums = sums[sums["usd_per_kg"].notna()]
    return pd.DataFrame(sums)


def costs_chart(view: RunView) -> Any:
    """Cost per kilogram by term for every point, and beside it the difference from the cheapest point."""
    import altair as alt

    frame = cost_per_kg(view)
    size = frame.groupby("term")["usd_per_kg"].apply(lambda column: float(column.abs().max()))
    terms = [str(term) for term in size.sort_values(ascending=False).index]
    labels = {term: theme.shortened(spoken(term), 26) for term in terms}
    colours = theme.category_colours([labels[term] for term in terms])
    first = frame[frame["point"] == view.points[0]].set_index("term")["usd_per_kg"]
    rows = [
        {"point": int(r["point"]), "term": labels[str(r["term"])], "usd": float(r["usd_per_kg"]),
         "change": float(r["usd_per_kg"]) - float(first.get(str(r["term"]), 0.0)), "rank": terms.index(str(r["term"]))}
        for r in frame.to_dict("records")
    ]  # fmt: skip
    key = alt.Color(
        "term:N",
        scale=alt.Scale(domain=[labels[t] for t in terms], range=[colours[labels[t]] for t in terms]),
        legend=alt.Legend(title="Cost term", orient="right"),
    )
    panels = [_cost_panel(rows, key, "usd", "Cost (USD/kg)", _totals(view, 0.0))]
    if len(view.points) > 1:
        base = view.row(view.points[0])["cost_usd_per_kg"]
        panels.append(
            _cost_panel(rows, key, "change", f"Difference from plan {view.points[0]} (USD/kg)", _totals(view, base))
        )
    reading = (
        "Present value of cost over discounted demand (USD/kg), by term; right: what each plan adds to the cheapest"
    )
    title = alt.TitleParams(**theme.titled(costs_finding(view), reading))
    return alt.hconcat(*panels, spacing=40).properties(title=title)


def _totals(view: RunView, base: float) -> list[Row]:
    """Total of every point, less a base, with its text."""
    totals = [(point, view.row(point)["cost_usd_per_kg"] - base) for point in view.points]
    return [{"point": p, "total": v, "text": f"{v:+.2f}" if base else f"{v:.1f}"} for p, v in totals]


def _cost_panel(rows: list[Row], key: Any, field: str, axis: str, totals: list[Row]) -> Any:
    import altair as alt

    y = alt.Y("point:O", title="Plan", axis=alt.Axis(labelAngle=0))
    bars = alt.Chart(alt.Data(values=rows)).mark_bar(height={"band": 0.68}, stroke=theme.PAPER, strokeWidth=0.5)
    drawn = bars.encode(
        y=y,
        x=alt.X(f"{field}:Q", title=axis, axis=alt.Axis(tickCount=5)),
        color=key,
        order=alt.Order("rank:Q"),
        tooltip=[alt.Tooltip("point:O"), alt.Tooltip("term:N"), alt.Tooltip(f"{field}:Q", format=".2f")],
    )
    told = alt.Chart(alt.Data(values=totals)).mark_text(align="left", dx=6, color=theme.INK)
    ends: dict[int, float] = {}
    for row in rows:
        ends[row["point"]] = ends.get(row["point"], 0.0) + max(0.0, row[field])
    for total in totals:
        total["end"] = ends.get(total["point"], 0.0)
    words = told.encode(y=y, x=alt.X("end:Q"), text="text:N")
    return alt.layer(drawn, words).properties(width=300, height=max(60, 30 * len(totals)))


def costs_finding(view: RunView) -> str:
    """What the plans cost per kilogram, and which term carries most of what the recommended one adds."""
    first, best = view.points[0], view.recommended
    low, high = (view.row(point)["cost_usd_per_kg"] for point in (first, best))
    frame = cost_per_kg(view).pivot_table(index="term", columns="point", values="usd_per_kg", fill_value=0.0)
    if first not in frame or not low > 0:
        return f"{numbers.usd_per_kg(low)} in all"
    if best == first or best not in frame:
        top = str(frame[first].idxmax())
        return (
            f"{numbers.usd_per_kg(low)} in all, {numbers.percent(float(frame[first].max()) / low)} of it {spoken(top)}"
        )
    term = str((frame[best] - frame[first]).idxmax())
    added = float((frame[best] - frame[first]).max())
    told = f"Plan {best} adds USD {numbers.figure(high - low, 2)}/kg to the cheapest"
    return f"{told}, most of it {spoken(term)} (USD {numbers.figure(added, 2)}/kg)"
