"""How rows of the tables, and what their examination found, are written on a terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from optimizer.cli.console import print_table
from optimizer.tables.quality import Examination, TableQuality
from optimizer.tables.world_balance import Step
from optimizer.tables.world_shares import Comparison

_PROVENANCE = ("source_id", "confidence", "note")
_UNSAID = ("", "1", "year", "date", "see column unit")
_NARROW, _WIDE = 60, 100
_MOST_NAMED = 4
_LEAST_SHOWN_SHARE = 0.03


def _width() -> int:
    return min(max(shutil.get_terminal_size((80, 24)).columns, _NARROW), _WIDE)


def print_record(view: Mapping[str, Any], row: Mapping[str, Any]) -> None:
    """Print one row, a line per filled column, with unit, source, place, what it feeds and what uses it."""
    key = " | ".join(cell_text(row[name]) for name in view["key"])
    click.echo(f"{view['table']}: {key}")
    lines = [
        (name, f"{cell_text(row[name])} {'' if unit in _UNSAID else unit}".rstrip())
        for name, unit in view["units"].items()
        if name not in _PROVENANCE and row.get(name) is not None
    ]
    if row.get("source_id") is not None:
        lines.append(
            ("source", f"{row['source_id']} ({row['source']}), {cell_text(row.get('confidence'))}".rstrip(", "))
        )
    if row.get("note") is not None:
        lines.append(("note", cell_text(row["note"])))
    lines.append(("stands in", f"{row['file']}, line {row['line']}"))
    if view["feeds"]:
        lines.append(("feeds", ", ".join(view["feeds"])))
    lines += [("used by" if place == 0 else "", text) for place, text in enumerate(_used(row["used_by"]))]
    widest = max(len(name) for name, _ in lines)
    for name, text in lines:
        indent = " " * (widest + 4)
        click.echo(textwrap.fill(text, _width(), initial_indent=f"  {name:{widest}}  ", subsequent_indent=indent))
    click.echo("")


def _used(uses: Iterable[Mapping[str, str]]) -> list[str]:
    """One line per table or file: how many rows, and the first of them."""
    grouped: dict[str, list[str]] = {}
    for use in uses:
        grouped.setdefault(use["where"], []).append(use["row"])
    lines = []
    for where, rows in grouped.items():
        named = ", ".join(rows[:_MOST_NAMED]) + (", …" if len(rows) > _MOST_NAMED else "")
        lines.append(f"{where}: {named}" if len(rows) == 1 else f"{where}, {len(rows)} rows: {named}")
    return lines


def cell_text(value: Any) -> str:
    """Return a cell as it is shown."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.10g}".replace(",", "") if isinstance(value, float) else str(value)


def compact_columns(view: Mapping[str, Any]) -> list[str]:
    """Return the columns that fit beside each other: the key, then numbers, then words, the confidence last."""
    names = [name for name in view["units"] if name not in (*view["key"], *_PROVENANCE)]
    names.sort(key=lambda name: not isinstance(next((row[name] for row in view["rows"] if row[name]), ""), float))
    chosen = list(view["key"])
    room = _width() - sum(_column_width(view, name) for name in chosen)
    for name in [*names, *(last for last in ("confidence",) if last in view["units"])]:
        room -= _column_width(view, name)
        if room >= 0:
            chosen.append(name)
    return chosen


def heading(view: Mapping[str, Any], name: str) -> str:
    """Return the heading of a column: its name, and its unit if that says more than the name."""
    unit = view["units"].get(name, "")
    return name if unit in _UNSAID else f"{name} [{unit}]"


def _column_width(view: Mapping[str, Any], name: str) -> int:
    return 3 + max([len(heading(view, name)), *(len(cell_text(row.get(name))) for row in view["rows"])])


def examination_record(found: Examination) -> dict[str, Any]:
    """Return an examination as plain values."""
    shares = [
        {name: value for name, value in _fields(share).items() if name != "row"} | {"points": share.points}
        for share in found.shares
    ]
    return {
        "passed": True,
        "base_year": found.base_year,
        "tables": [asdict(table) for table in found.tables],
        "balance": [asdict(step) | {"gap_share": step.gap_share, "closes": step.closes} for step in found.balance],
        "shares": shares,
        "losses": [asdict(loss) for loss in found.losses],
    }


def _fields(share: Comparison) -> dict[str, Any]:
    return {name: getattr(share, name) for name in share.__dataclass_fields__}


def print_examination(found: Examination) -> None:
    """Print what the examination of the tables showed."""
    print_table("Figures by table", _FIGURE_HEADS, [_figures(table) for table in found.tables])
    click.echo("Ages are those of figures that rest on a source, counted to the newest date of the\nregister.\n")
    if found.balance:
        print_table(f"World balance of {found.base_year}", _BALANCE_HEADS, [_step(step) for step in found.balance])
        for step in found.balance:
            if step.finished_t is not None:
                click.echo(f"{step.product}: its metal would make {step.finished_t:,.0f} t of finished product")
        _explain((f"{s.product}, {_STEPS[s.step]}", s.why_open) for s in found.balance if not s.closes)
    shown = [s for s in found.shares if s.is_apart or max(s.reported_share, s.table_share) >= _LEAST_SHOWN_SHARE]
    print_table("Shares of world output, % (tables against reports)", _SHARE_HEADS, [_share(share) for share in shown])
    _explain((f"{s.stage} {s.country_iso3} {s.year}, {s.source_id}", s.why_apart) for s in shown if s.is_apart)
    worst = max((loss.loss_share for loss in found.losses), default=0.0)
    click.echo(f"{len(found.losses)} yields agree with stoichiometry; the largest loss is {100 * worst:.0f} %.")
    click.echo(f"{len(found.tables)} tables, {found.rows} rows: all checks passed.")


_FIGURE_HEADS = [
    ("table", "left"),
    ("rows", "right"),
    ("assumed", "right"),
    ("median y", "right"),
    ("oldest y", "right"),
    ("oldest source", "left"),
]
_BALANCE_HEADS = [
    ("product", "left"),
    ("step", "left"),
    ("on offer t", "right"),
    ("taken t", "right"),
    ("gap", "right"),
]
_SHARE_HEADS = [
    ("stage", "left"),
    ("counted", "left"),
    ("country", "left"),
    ("year", "left"),
    ("report", "right"),
    ("tables", "right"),
    ("points", "right"),
]
_STEPS = {
    "mined_separated": "mined → separators",
    "separated_metal": "oxide → metal makers",
    "metal_magnet": "metal → magnet makers",
}


def _figures(table: TableQuality) -> Sequence[str]:
    assumed = "" if table.assumed_share is None else f"{100 * table.assumed_share:.0f} %"
    ages = ["" if age is None else f"{age:.1f}" for age in (table.median_age_years, table.oldest_age_years)]
    return [table.table, str(table.rows), assumed, *ages, table.oldest_source_id]


def _step(step: Step) -> Sequence[str]:
    mark = "" if step.closes else " *"
    tonnes = [f"{step.offered_t:,.0f}", f"{step.taken_t:,.0f}"]
    return [step.product, _STEPS[step.step], *tonnes, f"{100 * step.gap_share:+.0f} %{mark}"]


def _share(share: Comparison) -> Sequence[str]:
    mark = " *" if share.is_apart else ""
    numbers = [f"{100 * share.reported_share:.1f}", f"{100 * share.table_share:.1f}", f"{share.points:+.1f}{mark}"]
    return [share.stage, share.counts.replace(";", " "), share.country_iso3, str(share.year), *numbers]


def _explain(pairs: Iterable[tuple[str, str]]) -> None:
    """Print explanations, each text once with the places it stands for."""
    grouped: dict[str, list[str]] = {}
    for place, text in pairs:
        grouped.setdefault(text, []).append(place)
    for text, places in grouped.items():
        told = f"* {'; '.join(places)}: {text}."
        click.echo(textwrap.fill(told, _width(), subsequent_indent="  "))
    click.echo("")
