"""What the next step along the frontier buys, and from whom: the difference between neighbouring points."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pandas as pd

from optimizer.chain.instance import Instance
from optimizer.explain.limits import money
from optimizer.explain.words import Words

SMALLEST = {"contract": 0.5, "stock": 0.5, "cost": 0.005, "shock": 0.005}
"""Least change told: t/yr, t, MUSD, months."""
COLUMNS = (
    "point",
    "to_point",
    "kind",
    "subject",
    "facility",
    "stage",
    "country_iso3",
    "before",
    "after",
    "change",
    "unit",
)
TOLD = 4
"""Most changes of one kind in a sentence."""

Tables = Mapping[str, pd.DataFrame]


def steps_table(instance: Instance, tables: Tables) -> pd.DataFrame:
    """``explain_steps``: one row per change from each point to its safer neighbour.

    Kinds: ``total`` (cost, loss), ``contract`` (new volume of an offer, t/yr), ``qualification`` and ``project`` (0/1),
    ``stock`` (mean tonnes held at year's end, by product), ``cost`` (by term), ``shock`` (months lost).
    """
    frontier = tables["frontier"].sort_values("cost_musd")
    parts = []
    for first, second in itertools.pairwise(frontier["point"].astype(int)):
        rows = [*_totals(frontier, first, second), *_portfolio(instance, tables["portfolio"], first, second)]
        rows += _changes(_stocks(tables["stock"]), first, second, "stock", "t")
        rows += _changes(tables["costs"].groupby(["point", "term"])["cost_musd"].sum(), first, second, "cost", "MUSD")
        losses = tables["losses"].set_index(["point", "shock"])["loss_months"]
        rows += _changes(losses, first, second, "shock", "months")
        parts.append(pd.DataFrame(rows).assign(point=first, to_point=second))
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return frame.reindex(columns=list(COLUMNS))


def _row(kind: str, subject: str, before: float, after: float, unit: str, **more: str) -> dict[str, Any]:
    places = {"facility": "", "stage": "", "country_iso3": ""} | more
    values = {"before": before, "after": after, "change": after - before, "unit": unit}
    return {"kind": kind, "subject": subject} | places | values


def _totals(frontier: pd.DataFrame, first: int, second: int) -> list[dict[str, Any]]:
    rows = frontier.set_index("point")
    units = {"cost_musd": "MUSD", "loss_months": "months"}
    return [_row("total", c, float(rows[c][first]), float(rows[c][second]), u) for c, u in units.items()]


def _portfolio(instance: Instance, portfolio: pd.DataFrame, first: int, second: int) -> list[dict[str, Any]]:
    rows = []
    new = portfolio[portfolio["kind"].isin(["sale", "toll"])]
    volumes = new.groupby(["point", "offer"])["committed_t_per_year"].max()
    for change in _changes(volumes, first, second, "contract", "t/yr"):
        rows.append(change | _place(instance, instance.offers[change["subject"]].facility))
    for kind in ("qualification", "project"):
        held = portfolio[portfolio["kind"] == kind].groupby(["point", "offer"]).size().clip(upper=1).astype(float)
        known = instance.qualifications if kind == "qualification" else instance.projects
        for change in _changes(held, first, second, kind, ""):
            rows.append(change | _place(instance, known[change["subject"]].facility))
    return rows


def _place(instance: Instance, facility: str) -> dict[str, str]:
    plant = instance.facilities[facility]
    return {"facility": facility, "stage": plant.stage, "country_iso3": plant.country_iso3}


def _stocks(stock: pd.DataFrame) -> pd.Series:
    """Mean tonnes at the end of the plan's years, by point and product."""
    own = stock[stock["shock"] == "nominal"]
    yearly = own.groupby(["point", "product", "year"])["stock_t"].sum()
    years = max(1, own["year"].nunique())
    return yearly.groupby(["point", "product"]).sum() / years


def _changes(values: pd.Series, first: int, second: int, kind: str, unit: str) -> list[dict[str, Any]]:
    before, after = (dict(values.loc[p]) if p in values.index.get_level_values(0) else {} for p in (first, second))
    rows = []
    for subject in sorted({*before, *after}):
        old, new = float(before.get(subject, 0.0)), float(after.get(subject, 0.0))
        if abs(new - old) >= SMALLEST.get(kind, 0.5):
            rows.append(_row(kind, str(subject), old, new, unit))
    return rows


# --- in words -------------------------------------------------------------------------------------------------------


def step_sentences(instance: Instance, steps: pd.DataFrame, shocks: pd.DataFrame, point: int) -> list[str]:
    """The step from a point to its safer neighbour in sentences; empty at the safe end."""
    own = steps[steps["point"] == point]
    if own.empty:
        return []
    words, target = Words(instance), int(own["to_point"].iloc[0])
    totals = own[own["kind"] == "total"].set_index("subject")["change"]
    cost, months = float(totals.get("cost_musd", 0.0)), -float(totals.get("loss_months", 0.0))
    price = f", {money(1e6 * cost / months)} a month" if months > 0 else ""
    lines = [f"Plan {target} costs {money(1e6 * cost)} more and takes away {months:.3g} months of loss{price}."]
    lines += _bought(words, own)
    terms = own[own["kind"] == "cost"].sort_values("change", key=abs, ascending=False)
    if len(terms):
        lines.append("Where the money goes: " + _several(f"{r.subject} {r.change:+.2f} MUSD" for r in _each(terms)))
    names = dict(zip(shocks["shock"], zip(shocks["name"], shocks["start_year"], strict=True), strict=True))
    for sign, word in ((-1, "Milder"), (1, "Worse")):
        part = own[(own["kind"] == "shock") & (own["change"] * sign > 0)].sort_values(
            "change", key=abs, ascending=False
        )
        if len(part):
            told = (f"{_told(names, r.subject)} {r.before:.2f} to {r.after:.2f} months" for r in _each(part))
            lines.append(f"{word} in {len(part)} shocks: " + _several(told))
    return lines


def _bought(words: Words, own: pd.DataFrame) -> list[str]:
    lines = []
    contracts = own[own["kind"] == "contract"].sort_values("change", key=abs, ascending=False)
    for word, part in (
        ("Signs", contracts[contracts["before"] == 0]),
        ("Drops", contracts[contracts["after"] == 0]),
        ("More from", contracts[(contracts["change"] > 0) & (contracts["before"] > 0)]),
        ("Less from", contracts[(contracts["change"] < 0) & (contracts["after"] > 0)]),
    ):
        if len(part):
            lines.append(f"{word}: " + _several(f"{words.offer(r.subject)} {r.change:+,.0f} t/yr" for r in _each(part)))
    for kind, yes, no in (
        ("qualification", "Qualifies", "Qualifies no longer"),
        ("project", "Sponsors", "No longer sponsors"),
    ):
        for word, sign in ((yes, 1), (no, -1)):
            part = own[(own["kind"] == kind) & (own["change"] * sign > 0)]
            if len(part):
                lines.append(f"{word}: " + _several(sorted({words.place(r.facility) for r in _each(part)})))
    stocks = own[own["kind"] == "stock"].sort_values("change", key=abs, ascending=False)
    if len(stocks):
        told = (f"{words.product(r.subject)} {r.before:,.0f} to {r.after:,.0f} t" for r in _each(stocks))
        lines.append("Stock at year's end, mean: " + _several(told))
    return lines


def _each(frame: pd.DataFrame) -> Any:
    return frame.itertuples(index=False)


def _told(names: Mapping[str, tuple[str, int]], shock: str) -> str:
    name, year = names.get(shock, (shock, 0))
    return f"{name or shock} {year}" if year else shock


def _several(parts: Any) -> str:
    items = list(parts)
    more = f"; {len(items) - TOLD} more" if len(items) > TOLD else ""
    return "; ".join(items[:TOLD]) + more
