"""Parts other commands add to a run folder, shown as sections of the page: each a subfolder of tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.report.view import RunView, country_names, spoken, text_of
from optimizer.results.record_kinds import AnyKinds
from optimizer.results.records import read_record
from optimizer.results.write import read_tables


@dataclass(frozen=True)
class Shown:
    """How a table is shown.

    Attributes:
        title: heading.
        columns: those shown, in order; none: all.
        by: column it is sorted by, from its largest size down.
        follows: whether it shows the chosen plan only, where it has several.
        told: column without which a row says nothing.
        estimates: columns that are low estimates unless the part was re-solved (``--deep``); their titles say so.
        note: said under the table; with ``estimates``, only where it holds such.
    """

    title: str
    columns: tuple[str, ...] = ()
    by: str = ""
    follows: bool = True
    told: str = ""
    estimates: tuple[str, ...] = ()
    note: str = ""


PARTS: dict[str, tuple[str, str]] = {
    "stress": ("Under shocks the plans were not built for", "Each plan put to fresh and historical shocks."),
    "explain": (
        "Why the plan is what it is",
        "Limits that bind, what widening them is worth, and what would change it.",
    ),
    "alternatives": ("Other portfolios nearly as good", "Different decisions within a small slack of cost and loss."),
    "sensitivity": ("Which figures move the answer", "The answer under other values of assumed figures."),
}
"""Subfolder → title and reading of its section."""
TABLES: dict[str, Shown] = {
    "stress_summary": Shown(
        "Loss over fresh shocks",
        ("point", "samples", "mean_loss_months", "measure_months", "measure_low_months", "measure_high_months",
         "in_sample_months", "stop_share", "stop_in_a_year_share", "worst_loss_months"),
        follows=False,
    ),
    "stress_offenders": Shown(
        "What takes most",
        ("point", "kind", "name", "probability_share", "mean_loss_months", "worst_loss_months", "loss_share"),
        "loss_share",
        note="A shock counts at everything it touches, so the shares add up to more than the whole.",
    ),
    "stress_removal": Shown(
        "If a place or country were gone", ("point", "kind", "name", "start_year", "gone_months", "loss_months"),
        "loss_months",
    ),
    "stress_times": Shown("How soon demand is cut and met again"),
    "explain_limits": Shown("Limits that bind", ("point", "sentence", "saved_days", "usd_per_year"), "usd_per_year",
                            told="sentence"),
    "explain_suppliers": Shown(
        "What each supplier is worth",
        ("point", "name", "country_iso3", "committed_t_per_year", "price_usd_per_kg", "walk_away_usd_per_kg",
         "spend_musd", "extra_cost_musd", "instead"),
        "extra_cost_musd",
        estimates=("walk_away_usd_per_kg", "extra_cost_musd"),
        note="Quick estimates: contracts elsewhere may be partial, so doing without a supplier looks cheaper than it "
             "is, and one walks away at the price shown or above. sourcing explain --deep re-solves.",
    ),
    "explain_offers": Shown(
        "Offers not chosen, and the price at which they would be",
        ("point", "name", "country_iso3", "start_year", "asked_usd_per_kg", "break_even_usd_per_kg"),
    ),
    "explain_steps": Shown(
        "What the next safer plan changes", ("point", "kind", "subject", "country_iso3", "before", "after", "change",
                                             "unit"), "change",
    ),
    "alternatives": Shown("Their cost and loss"),
    "alternatives_choices": Shown(
        "Decisions all share, and decisions that are open",
        ("kind", "choice", "facility", "country_iso3", "plans", "of_plans", "verdict"), "plans",
    ),
}  # fmt: skip
"""Tables a reader is shown, in this order; tables that are not named here follow if they are short."""
DETAILS = frozenset({"stress_shocks", "stress_losses", "stress_histogram", "alternatives_losses",
                     "alternatives_portfolio"})  # fmt: skip
"""Tables that stay in the run folder."""
SUFFIXES: tuple[tuple[str, str], ...] = (
    ("_usd_per_kg", "USD/kg"), ("_usd_per_t", "USD/t"), ("_t_per_year", "t/yr"), ("_kg_per_kg", "kg/kg"),
    ("_rate_per_year", "per year"), ("_musd", "MUSD"), ("_months", "months"), ("_years", "years"), ("_days", "days"),
    ("_share", "%"), ("_km", "km"), ("_kgco2e", "kg CO2e"), ("_m3", "m\u00b3"), ("_iso3", ""), ("_t", "t"),
)  # fmt: skip
"""Suffix of a column → its unit, longest first."""
TITLES = {
    "sentence": "One unit more", "saved_days": "Loss saved, days", "usd_per_year": "Worth, USD a year",
    "walk_away_usd_per_kg": "Walk away above, USD/kg", "extra_cost_musd": "Extra cost without it, MUSD",
    "break_even_usd_per_kg": "Enters below, USD/kg", "loss_share": "Share of all loss",
    "stop_share": "Shocks that stop a line", "stop_in_a_year_share": "Chance of a stop within a year",
    "in_sample_months": "Measure on the plan's own shocks, months", "probability_share": "Share of shocks",
    "quantile_share": "Share of shocks up to", "survive_months": "First cut after, months",
    "recover_months": "Met again after, months",
}  # fmt: skip
"""Titles of columns whose names say too little."""
MOST_ROWS = 2000
"""Rows of a table that the page holds: shown on request and in the download."""
SHORT = 200
SHOWN = 12
"""Rows of a table that are shown at once."""
YEARS = ("start_year", "end_year", "earliest_year")
WHOLE = ("point", "to_point", "year", "plans", "of_plans", "samples", "rank", "alternative", "suppliers")

Row = dict[str, Any]


def parts(view: RunView) -> list[Row]:
    """Sections for the parts a run has; one without tables is left out.

    Returns:
        per part ``name, title, reading, tables``; a table has ``name, title, columns, rows, cut`` (rows left out),
        ``follows`` (whether it shows the chosen plan only) and ``note``.
    """
    folder: Path | None = view.run.path
    labels = _labels(view)
    found = []
    for name, (title, reading) in PARTS.items():
        if folder is not None and (folder / name).is_dir():
            is_deep = bool(_record(folder / name).get("is_deep"))
            tables = [_table(labels, name, *pair, is_deep) for pair in _ordered(read_tables(folder / name))]
            if tables:
                found.append({"name": name, "title": title, "reading": reading, "tables": tables})
    return found


def _record(folder: Path) -> Mapping[str, Any]:
    """What a part says of itself; nothing if it has no record."""
    path = folder / f"{folder.name}.json"
    return read_record(path, AnyKinds) if path.exists() else {}


def _labels(view: RunView) -> dict[str, str]:
    """Key → name of places, products, offers, qualifications, projects, countries, shocks and totals."""
    found = {**country_names(), "cost_musd": "cost", "loss_months": "months lost"}
    shocks = view.table("shocks")
    if {"shock", "name", "start_year"} <= set(shocks.columns):
        rows = zip(shocks["shock"], shocks["name"], shocks["start_year"], strict=True)
        found |= {str(shock): f"{text_of(name) or shock}, from {int(year)}" for shock, name, year in rows}
    for table, key in (("offers", "offer"), ("qualifications", "qualification")):
        frame = view.given(table, key, "facility", "product")
        for name, facility, product in zip(frame[key], frame["facility"], frame["product"], strict=True):
            found[str(name)] = f"{view.name(product)}, {view.name(facility)}"
    projects = view.given("projects", "project", "name")
    found |= {str(k): text_of(v) for k, v in zip(projects["project"], projects["name"], strict=True) if text_of(v)}
    return found | view.names


def _ordered(tables: Mapping[str, pd.DataFrame]) -> list[tuple[str, pd.DataFrame]]:
    kept = {name: frame for name, frame in tables.items() if len(frame) and name not in DETAILS}
    known = [(name, kept[name]) for name in TABLES if name in kept]
    return [*known, *((name, frame) for name, frame in kept.items() if name not in TABLES and len(frame) <= SHORT)]


def _table(labels: Mapping[str, str], part: str, name: str, whole: pd.DataFrame, is_deep: bool = False) -> Row:
    plain = spoken(name.removeprefix(f"{part}_"))
    shown = TABLES.get(name, Shown(plain[:1].upper() + plain[1:]))
    frame = whole[[column for column in shown.columns or whole.columns if column in whole.columns]]
    if shown.told in frame.columns:
        frame = frame[frame[shown.told].fillna("") != ""]
    if shown.by in frame.columns:
        frame = frame.loc[frame[shown.by].abs().sort_values(ascending=False, kind="stable").index]
    kept = _fair(frame)
    low = () if is_deep else shown.estimates
    columns = [_column(str(column), frame[column], column in low) for column in frame.columns]
    rows = [[_cell(labels, value) for value in row] for row in kept.itertuples(index=False)]
    is_many = "point" in whole.columns and whole["point"].nunique() > 1
    return {"name": name, "title": shown.title, "columns": columns, "rows": rows, "cut": len(frame) - len(kept),
            "follows": shown.follows and is_many, "note": shown.note if low or not shown.estimates else ""}  # fmt: skip


def _fair(frame: pd.DataFrame) -> pd.DataFrame:
    """At most ``MOST_ROWS`` rows, as many of each point."""
    if len(frame) <= MOST_ROWS:
        return frame
    if "point" not in frame.columns:
        return frame.head(MOST_ROWS)
    each = max(1, MOST_ROWS // max(1, frame["point"].nunique()))
    return frame.groupby("point", sort=False).head(each)


def _column(name: str, values: pd.Series[Any], is_low: bool) -> Row:
    unit = next((pair for pair in SUFFIXES if name.endswith(pair[0])), None)
    plain = spoken(name.removesuffix(unit[0]) if unit else name)
    told = TITLES.get(name) or (f"{plain}, {unit[1]}" if unit and unit[1] not in ("%", "") else plain)
    if is_low:
        told = told.replace(", ", ", at least, ", 1)
    is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    return {"name": name, "title": told[:1].upper() + told[1:], "number": bool(is_number),
            "share": name.endswith("_share"), "whole": name in WHOLE or name in YEARS}  # fmt: skip


def _cell(labels: Mapping[str, str], value: object) -> Any:
    """A cell as JSON: keys by their names, figures to six digits."""
    if value is None or value is pd.NA or value != value:
        return None
    if isinstance(value, str):
        return labels.get(value, value)
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, float):
        return float(f"{plain:.6g}") if abs(plain) != float("inf") else None
    return plain if isinstance(plain, int) else str(plain)
