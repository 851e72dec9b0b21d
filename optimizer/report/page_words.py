"""The words at the top of the page: the answer with its figures, what was assumed, the certificate for a buyer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from optimizer.report import numbers
from optimizer.report.plan_charts import event_losses
from optimizer.report.view import RunView, country, listed, spoken, text_of
from optimizer.results.records import read_audit

FELT = 0.005
"""Months below which a loss is told as none."""


def answer(view: RunView) -> list[str]:
    """Three sentences: what the plan is, what it costs and saves, what is proven and what stays open."""
    best, first = view.row(view.recommended), view.row(view.points[0])
    unit = numbers.usd_per_kg(best["cost_usd_per_kg"])
    plan = f"Plan {view.recommended} costs {numbers.musd(best['cost_musd'])} ({unit})"
    loss = f"{plan} and loses {numbers.months(best['loss_months'])} of demand ({view.measure})"
    if view.recommended != view.points[0]:
        more = best["cost_musd"] - first["cost_musd"]
        less = 1 - numbers.ratio(best["loss_months"], first["loss_months"])
        dearer = f"{numbers.musd(more)} ({numbers.percent_words(numbers.ratio(more, first['cost_musd']))})"
        loss += f": {dearer} more than the cheapest plan, for {numbers.percent_words(less)} less loss"
    bound = numbers.musd(best["cost_bound_musd"])
    proof = f"No plan with at most this loss costs less than {bound}, which is proven"
    frame = event_losses(view, view.recommended)
    worst = frame.sort_values("loss_months").iloc[-1] if len(frame) else None
    if worst is not None and float(worst["loss_months"]) >= FELT:
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
    return f"{start}{', ' if rest else ''}{listed(rest, 3) if rest else ''}."


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


def promise(view: RunView) -> list[str]:
    """The certificate in a buyer's words: what is proven, how far it reaches, who checked the plans."""
    figures = view.run.manifest.get("certificate") or {}
    limits = "within the tables and assumptions of this case"
    if figures.get("mean_gap_share") is not None and figures.get("max_gap_share") is not None:
        mean, most = numbers.percent(figures["mean_gap_share"]), numbers.percent(figures["max_gap_share"])
        told = [f"Nobody can undercut this curve by more than {mean} on average, {most} at most, at the same loss."]
    else:
        gap = numbers.percent(float(view.frontier["gap_share"].max()))
        told = [f"Nobody can undercut these plans by more than {gap} at the same loss."]
    told.append(
        f"That is a proof over all combinations of offers, plants and years {limits}, not a sample. "
        "It says nothing about figures that turn out otherwise."
    )
    return [unbroken(sentence) for sentence in (*told, checked(view)) if sentence]


def checked(view: RunView) -> str:
    """What the audit found, in a sentence; empty if the run was not audited."""
    audit: Mapping[str, Any] = view.run.audit
    if not audit and view.run.path is not None:
        audit = read_audit(view.run.path)
    checks = audit.get("checks") or []
    if not checks:
        return ""
    passed = sum(bool(check.get("passed")) for check in checks)
    return f"Every plan was recomputed from its tables by a second program: {passed} of {len(checks)} checks passed."


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


def assumed_words(assumed: Mapping[str, float]) -> str:
    """What share of the tables rests on assumptions, in a sentence."""
    if not assumed:
        return "The run does not record which figures are assumed."
    full = [spoken(name) for name, share in sorted(assumed.items()) if share >= 1.0]
    most = sorted((n for n, s in assumed.items() if s >= 0.5), key=lambda n: (-assumed[n], n))
    told = f"{len(most)} of {len(assumed)} tables hold more assumed figures than sourced ones"
    return f"{told}; assumed throughout: {listed(full, 8)}." if full else f"{told}."
