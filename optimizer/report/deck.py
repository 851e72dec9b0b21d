"""The deck of a run: ten slides from the question to the sources, with native charts and tables and speaker notes."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from optimizer.report import numbers, theme
from optimizer.report.deck_charts import cost_slide, frontier_slide
from optimizer.report.deck_kit import BODY, HEIGHT, LEFT, SMALL, TEXT, Kit, Slide, TextLook
from optimizer.report.deck_risks import risks_slide, sources_slide
from optimizer.report.deck_timeline import WORDS, timeline_slide
from optimizer.report.frontier_chart import finding
from optimizer.report.map_files import map_bytes
from optimizer.report.map_title import finding as map_finding
from optimizer.report.map_title import loss_of, shock_finding, shock_named
from optimizer.report.page_words import answer
from optimizer.report.plan_map import first_period, plan_map, shock_map
from optimizer.report.view import RunView, country, listed
from optimizer.report.world_map import RATIO, MapRequest, map_svg
from optimizer.report.world_map import TOP as MAP_TOP

MAP_DPI, MAP_WIDTH, PAIR_WIDTH = 190, 1040.0, 1240.0
"""Dots per inch of maps on slides, and the widths they are drawn at: smaller, so that their type is larger."""
ROWS = 13
HEAD = (MAP_TOP - 8) / RATIO
"""Over the width of a map: the share of its height that its own title takes, which the slide's title replaces."""


def deck(view: RunView, assumed: Mapping[str, float]) -> bytes:
    """The deck as a pptx file.

    Args:
        view: the run; the recommended point is shown.
        assumed: share of assumed figures per table.
    """
    kit = Kit(view.title)
    _question(kit, view)
    _answer(kit, view)
    frontier_slide(kit, view)
    _portfolio(kit, view)
    _map(kit, view)
    _ban(kit, view)
    cost_slide(kit, view)
    timeline_slide(kit, view)
    risks_slide(kit, view, assumed)
    sources_slide(kit, view)
    return kit.content()


def provenance(view: RunView) -> list[str]:
    """Where a slide's figures come from, for the notes."""
    manifest = view.run.manifest
    case, data = str(manifest.get("case_hash") or "")[:12], str(manifest.get("data_hash") or "")[:12]
    return [
        f"Run: {view.run.path.name}; case {manifest.get('case') or ''}, fingerprint {case}; shared tables {data}.",
        "Every figure stands in the run's tables (CSV, Parquet) and in workbook.xlsx, with its source and confidence.",
    ]


def _question(kit: Kit, view: RunView) -> None:
    """What is asked, and how much stands behind the answer."""
    demand = view.given("demand", "market", "year", "demand_t")
    yearly = float(demand["demand_t"].astype(float).sum()) / view.years if len(demand) else 0.0
    shocks = view.table("shocks")
    first, last = view.setting("first_year"), view.setting("last_year")
    cards = [
        (numbers.mass(yearly), f"demand a year of {len(view.markets)} markets"),
        (f"{first}–{last}" if first else f"{view.years} years", "years planned"),  # noqa: RUF001 - a range
        (str(len(view.facilities)), f"plants in {view.facilities['country_iso3'].nunique()} countries"),
        (str(len(shocks)), f"shocks from {shocks['event'].nunique()} events"),
        (str(len(view.points)), "plans on the frontier"),
    ]
    notes = [f"{told}: {figure} (inputs: demand, facilities, shocks)." for figure, told in cards]
    source = "Demand, plants and shocks: tables of the case"
    page = kit.slide(view.title, [view.question, *notes, *provenance(view)], source)
    page.text(
        (LEFT, 1.7, BODY, 2.4), [view.question or "What does resilience cost?"], TextLook(28, theme.PROOF, lines=5)
    )
    _cards(page, cards, 4.9)


def _cards(page: Slide, cards: list[tuple[str, str]], top: float) -> None:
    """Figures side by side, each over its words."""
    step = BODY / len(cards)
    for k, (figure, told) in enumerate(cards):
        left = LEFT + k * step
        page.bar((left, top, 0.06, 1.25), theme.ACCENT, name=f"mark {k + 1}")
        page.text((left + 0.2, top, step - 0.35, 0.6), [figure], TextLook(28, bold=True, lines=1))
        page.text((left + 0.2, top + 0.62, step - 0.35, 0.6), [told], TextLook(TEXT - 2, theme.MUTED, lines=2))


def _answer(kit: Kit, view: RunView) -> None:
    """What to do, what it costs and saves, what is proven."""
    best = view.row(view.recommended)
    cards = [
        (numbers.musd(best["cost_musd"]), "present value of the plan"),
        (numbers.usd_per_kg(best["cost_usd_per_kg"]), "cost over discounted demand"),
        (numbers.months(best["loss_months"]), f"of demand lost ({view.measure})"),
        (numbers.months(best["worst_loss_months"]), "lost in the worst shock"),
    ]
    where = f"Table frontier, point {view.recommended}"
    notes = [f"{told}: {figure}. {where}." for figure, told in cards]
    page = kit.slide(finding(view), [*answer(view), *notes, *provenance(view)], where)
    page.text((LEFT, 1.35, BODY, 4.1), answer(view), TextLook(18, lines=4, gap=12))
    _cards(page, cards, 5.6)


def _portfolio(kit: Kit, view: RunView) -> None:
    """Contracts, qualifications and sponsored plants of the recommended plan as a table."""
    rows = view.of_point("portfolio", view.recommended)
    rows = rows[rows["kind"].isin(["sale", "toll", "project", "qualification"])]
    order = {"sale": 0, "toll": 0, "project": 1, "qualification": 2}
    ranked = rows.assign(rank=rows["kind"].map(order)).sort_values(
        ["rank", "committed_t_per_year", "start_year"], ascending=[True, False, True], kind="stable"
    )
    told = [
        [
            WORDS[str(r["kind"])], view.name(r["facility"]), country(r["country_iso3"]), view.name(r["product"]),
            f"{int(r['start_year'])}–{int(r['end_year'])}",  # noqa: RUF001 - a range
            numbers.mass(float(r["committed_t_per_year"])) if r["kind"] in ("sale", "toll") else "",
        ]
        for r in ranked.to_dict("records")
    ]  # fmt: skip
    deals = rows[rows["kind"].isin(["sale", "toll"])]
    counts = [
        (len(deals), "contract"), (int((rows["kind"] == "qualification").sum()), "qualification"),
        (rows.loc[rows["kind"] == "project", "offer"].nunique(), "sponsored plant"),
    ]  # fmt: skip
    parts = listed(_counted(count, word) for count, word in counts if count) if len(rows) else "nothing to sign"
    title = f"Plan {view.recommended}: {parts}"
    if len(deals):
        plants = _counted(deals["facility"].nunique(), "plant")
        title += f"; contracts with {plants} in {listed(map(country, _ranked(deals)), 3)}"
    shown = told if len(told) <= ROWS else told[: ROWS - 1]
    if len(told) > ROWS:
        shown.append(["", f"and {len(told) - len(shown)} more: sheet Portfolio of workbook.xlsx", "", "", "", ""])
    notes = ["; ".join(cell for cell in row if cell) for row in told]
    source = f"Table portfolio, point {view.recommended}; t/yr: largest yearly commitment of the term"
    page = kit.slide(title, [*notes, *provenance(view)], source)
    heads = ("What", "Plant", "Country", "Product", "Years", "t/yr")
    if shown:
        page.table((LEFT, 1.4, BODY, HEIGHT - 2.0), heads, shown, (1.3, 4.2, 1.7, 2.7, 1.2, 1.0), (5,), "Portfolio")
    else:
        page.text((LEFT, 1.6, BODY, 1), ["The plan signs, qualifies and sponsors nothing."], TextLook(TEXT))


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _ranked(deals: pd.DataFrame) -> list[str]:
    """Countries of contracts by their committed tonnes."""
    sums = deals.groupby("country_iso3")["committed_t_per_year"].sum().sort_values(ascending=False, kind="stable")
    return [str(code) for code in sums.index]


def _map(kit: Kit, view: RunView) -> None:
    """The recommended plan on the map."""
    plan = plan_map(view, view.recommended)
    title = map_finding(view, plan, view.recommended)
    flows = sorted((f for f in plan.flows if f.layer == "buyer"), key=lambda f: -f.t_per_year)
    notes = [f"{view.name(f.start)} to {view.name(f.end)}: {numbers.mass(f.t_per_year)} a year." for f in flows]
    page = kit.slide(title, ["Mean yearly flows without a shock (table flows):", *notes, *provenance(view)])
    picture = map_bytes(map_svg(view, MapRequest(view.recommended, width=MAP_WIDTH)), "png", title, MAP_DPI)
    page.picture(picture, (LEFT - 0.25, 1.2, BODY + 0.5, HEIGHT - 1.6), f"World map. {title}", HEAD / MAP_WIDTH)


def telling_shock(view: RunView) -> str:
    """The shock that costs the cheapest plan most; empty if there is none."""
    losses = view.of_point("losses", view.points[0])
    if losses.empty:
        return ""
    ranked = losses.sort_values(["loss_months", "shock"], ascending=[False, True], kind="stable")
    return str(ranked["shock"].iloc[0])


def _ban(kit: Kit, view: RunView) -> None:
    """The plan before and in the shock that would hurt the cheapest plan most."""
    shock, point = telling_shock(view), view.recommended
    if not shock:
        page = kit.slide("No shock was asked for in this case", provenance(view))
        page.text((LEFT, 1.6, BODY, 1), ["The case names no events, so no plan loses anything."], TextLook(TEXT))
        return
    year = int(first_period(view, shock)["year"])
    plans = (plan_map(view, point, [year]), shock_map(view, point, shock))
    title, story = shock_finding(view, point, shock, plans)
    losses = [f"Plan {p} loses {numbers.months(loss_of(view, p, shock))} (table losses)." for p in view.points]
    page = kit.slide(title, [shock_named(view, shock), story, *losses, *provenance(view)])
    picture = map_bytes(map_svg(view, MapRequest(point, before_after=shock, width=PAIR_WIDTH)), "png", title, MAP_DPI)
    page.text((LEFT, 1.2, BODY, 0.25), [story], TextLook(SMALL, theme.MUTED, lines=1))
    page.picture(picture, (LEFT - 0.25, 1.45, BODY + 0.5, HEIGHT - 1.8), f"Two maps. {title}", HEAD / PAIR_WIDTH)
