"""The report page: one HTML file with every chart inside it, nothing fetched, all text escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from optimizer.report import numbers, theme
from optimizer.report.frontier_chart import certificate
from optimizer.report.map_legend import DISCLAIMER, SOURCES
from optimizer.report.plan_charts import event_losses
from optimizer.report.view import RunView, country, listed, spoken, text_of

INKS = {
    theme.INK: "--ink", theme.MUTED: "--muted", theme.FAINT: "--faint", theme.GRID: "--grid", theme.PAPER: "--paper",
    theme.PROOF: "--proof", theme.LAND: "--land", theme.BORDER: "--border", theme.SEA: "--sea", theme.SHADE: "--shade",
}  # fmt: skip
KINDS = ("sale", "toll", "project", "qualification", "running", "held")
TITLES = {
    "frontier": "Cost against resilience",
    "map": "The recommended plan on the map",
    "shares": "Who makes what",
    "losses": "What the shocks take",
    "costs": "What a kilogram costs",
}

Row = dict[str, Any]


def page(view: RunView, drawings: Mapping[str, str], assumed: Mapping[str, float]) -> str:
    """The page as HTML.

    Args:
        view: the run.
        drawings: chart name → SVG.
        assumed: share of assumed figures per table.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    kit = Environment(
        loader=PackageLoader("optimizer.report", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return kit.get_template("report.html.j2").render(
        view=view,
        titles=TITLES,
        answer=answer(view),
        figures=headline(view),
        charts={name: Markup(tinted(svg, name)) for name, svg in drawings.items()},
        frontier=frontier_rows(view),
        portfolios=[(point, portfolio_rows(view, point)) for point in view.points],
        losses=loss_rows(view, view.recommended),
        assumed=[(spoken(name), numbers.percent(share)) for name, share in _ranked(assumed)],
        certificate=unbroken(certificate(view)),
        sources=f"{SOURCES} {DISCLAIMER}",
        facts=facts(view),
    )


def tinted(svg: str, name: str) -> str:
    """An SVG that takes its inks from the page (so it turns with dark mode) and has ids of its own."""
    for colour, variable in INKS.items():
        svg = svg.replace(f'"{colour}"', f'"var({variable})"')
    svg = re.sub(r'\b(id="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    width, height = re.findall(r'<svg[^>]*? width="([\d.]+)"[^>]*? height="([\d.]+)"', svg)[0]
    if "viewBox" not in svg.split(">", 1)[0]:
        svg = svg.replace("<svg", f'<svg viewBox="0 0 {width} {height}"', 1)
    return svg.replace("<svg", f'<svg role="img" aria-label="{TITLES[name]}" style="max-width:{width}px"', 1)


def answer(view: RunView) -> list[str]:
    """Three sentences: what the plan is, what it costs and saves, what is proven and what stays open."""
    best, first = view.row(view.recommended), view.row(view.points[0])
    unit = numbers.usd_per_kg(best["cost_usd_per_kg"])
    plan = f"Plan {view.recommended} costs {numbers.musd(best['cost_musd'])} ({unit})"
    loss = f"{plan} and loses {numbers.months(best['loss_months'])} of demand ({view.measure})"
    if view.recommended != view.points[0]:
        more, less = (
            best["cost_musd"] - first["cost_musd"],
            1 - numbers.ratio(best["loss_months"], first["loss_months"]),
        )
        dearer = f"{numbers.musd(more)} or {numbers.percent(numbers.ratio(more, first['cost_musd']))}"
        loss += f": {dearer} more than the cheapest plan, for {numbers.percent(less)} less loss"
    bound = numbers.musd(best["cost_bound_musd"])
    proof = f"No plan with at most this loss costs less than {bound}, which is proven"
    frame = event_losses(view, view.recommended)
    worst = frame.sort_values("loss_months").iloc[-1] if len(frame) else None
    if worst is not None and float(worst["loss_months"]) >= 0.005:
        lost = numbers.months(float(worst["loss_months"]))
        proof += f"; what stays open is \u201c{worst['name']}\u201d, which would still take {lost}"
    return [unbroken(sentence) for sentence in (_signed(view), f"{loss}.", f"{proof}.")]


def unbroken(sentence: str) -> str:
    """A sentence whose figures stay on one line with their units."""
    joined = re.sub(r"(?<=\d) (?=%|months?\b|k?t\b)", "\u00a0", sentence)
    return re.sub(r"\b(M?USD) (?=\d)", "\\1\u00a0", joined)


def _signed(view: RunView) -> str:
    """What to sign, qualify and sponsor in the recommended plan."""
    rows = view.of_point("portfolio", view.recommended)
    deals = rows[rows["kind"].isin(["sale", "toll"])]
    volumes = deals.groupby("facility")["committed_t_per_year"].max().sort_values(ascending=False)
    fresh = rows[rows["kind"] == "qualification"]["facility"].nunique()
    projects = rows[rows["kind"] == "project"]["offer"].nunique()
    if deals.empty:
        start = "The recommended plan signs no new contract"
    else:
        names = listed((view.name(key) for key in volumes.index), 5)
        contracts = f"{len(deals)} contract{'s' if len(deals) != 1 else ''}"
        start = f"Sign {contracts} with {names} in {listed(map(country, dict.fromkeys(deals['country_iso3'])), 5)}"
    rest = []
    if fresh:
        rest.append(f"qualify {fresh} further plant{'s' if fresh != 1 else ''}")
    if projects:
        rest.append(f"sponsor {projects} project{'s' if projects != 1 else ''}")
    days = days_of_stock(view, view.recommended)
    if days >= 1.0:
        rest.append(f"hold about {days:.0f} days of demand in stock")
    return f"{start}{', ' if rest else ''}{listed(rest, 3)}."


def days_of_stock(view: RunView, point: int) -> float:
    """Mean stock at the markets at the ends of the years but the last, in days of demand; 0 where nothing is held."""
    stock, demand = view.of_point("stock", point), view.given("demand", "market", "year", "demand_t")
    held = stock[(stock["shock"] == "nominal") & stock["place"].isin(demand["market"])]
    yearly = demand.groupby("year")["demand_t"].sum()
    years = yearly.index[yearly > 0][:-1]
    if not len(years):
        return 0.0
    cover = held.groupby("year")["stock_t"].sum().reindex(years, fill_value=0.0) / yearly[years]
    return float(365.0 * cover.mean())


def headline(view: RunView) -> list[tuple[str, str, str]]:
    """Figures at the top: (label, figure, note)."""
    best, first = view.row(view.recommended), view.row(view.points[0])
    return [
        ("Cost", numbers.musd(best["cost_musd"]), f"cheapest {numbers.musd(first['cost_musd'])}"),
        (
            "Unit cost",
            numbers.usd_per_kg(best["cost_usd_per_kg"]),
            f"cheapest {numbers.usd_per_kg(first['cost_usd_per_kg'])}",
        ),
        ("Demand lost", numbers.months(best["loss_months"]), f"cheapest {numbers.months(first['loss_months'])}"),
        ("Gap to proof", numbers.percent(best["gap_share"]), f"bound {numbers.musd(best['cost_bound_musd'])}"),
    ]


def frontier_rows(view: RunView) -> list[Row]:
    """Table of the frontier."""
    return [
        {
            "point": int(r["point"]),
            "cells": [
                f"{float(r['cost_musd']):.1f}", f"{float(r['cost_usd_per_kg']):.2f}", f"{float(r['loss_months']):.2f}",
                f"{float(r['expected_loss_months']):.2f}", f"{float(r['worst_loss_months']):.2f}",
                f"{float(r['cost_bound_musd']):.1f}", numbers.percent(float(r["gap_share"])), str(r["status"]),
            ],
        }
        for r in view.frontier.to_dict("records")
    ]  # fmt: skip


def portfolio_rows(view: RunView, point: int) -> list[list[str]]:
    """What a point signs, qualifies and holds, in words."""
    rows = []
    for r in view.of_point("portfolio", point).to_dict("records"):
        kind, volume = str(r["kind"]), float(r["committed_t_per_year"] or 0.0)
        years = f"{int(r['start_year'])}\u2013{int(r['end_year'])}"
        cells = [
            kind, view.name(r["facility"]), view.name(r["product"]), spoken(text_of(r["stage"])),
            country(r["country_iso3"]), years, f"{volume:,.0f}".replace(",", "\u202f") if volume > 0 else "",
        ]  # fmt: skip
        rows.append((KINDS.index(kind) if kind in KINDS else len(KINDS), *cells))
    return [[str(cell) for cell in row[1:]] for row in sorted(rows, key=lambda row: (row[0], row[2], row[3], row[6]))]


def loss_rows(view: RunView, point: int) -> list[Row]:
    """One row per event: worst start year, months, and its story."""
    frame = event_losses(view, point).sort_values(["loss_months", "shock"], ascending=[False, True])
    return [
        {
            "name": text_of(r["name"]), "year": "" if r["start_year"] != r["start_year"] else int(r["start_year"]),
            "loss": numbers.figure(round(float(r["loss_months"]), 2)),
            "survive": numbers.figure(round(float(r["survive_months"]), 1)) if _is_felt(r) else "never",
            "recover": numbers.figure(round(float(r["recover_months"]), 1)) if _is_felt(r) else "",
            "rate": numbers.figure(float(r["rate_per_year"]), 2), "story": text_of(r["story"]),
        }
        for r in frame.drop_duplicates("event").to_dict("records")
    ]  # fmt: skip


def _is_felt(row: Mapping[Any, Any]) -> bool:
    return float(row["loss_months"]) >= 0.005


def _ranked(assumed: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(assumed.items(), key=lambda pair: (-pair[1], pair[0]))


def facts(view: RunView) -> list[tuple[str, str]]:
    """Where the run comes from."""
    record = view.run.manifest
    size = record.get("size") or {}
    whole = (record.get("seconds") or {}).get("total")
    rows = [
        ("Case", text_of(record.get("case"))),
        ("Status", text_of(record.get("status"))),
        ("Finished", text_of(record.get("finished"))),
        ("Plants, shocks", f"{size.get('facilities', numbers.MISSING)}, {size.get('shocks', numbers.MISSING)}"),
        ("Model", f"{size.get('rows', numbers.MISSING)} rows, {size.get('columns', numbers.MISSING)} columns, "
                  f"{size.get('binaries', numbers.MISSING)} binaries"),
        ("Time", f"{whole:.0f} s" if isinstance(whole, int | float) else numbers.MISSING),
        ("Case and data", f"{text_of(record.get('case_hash'))[:12]}, {text_of(record.get('data_hash'))[:12]}"),
    ]  # fmt: skip
    return [(label, value) for label, value in rows if value]
