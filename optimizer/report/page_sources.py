"""Where the page's figures come from: rows of the case's tables with source, confidence, range and note."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from optimizer.report.view import RunView, spoken, text_of
from optimizer.tables.package import PROVENANCE

TABLES: dict[str, tuple[str, ...]] = {
    "offers": ("offer",),
    "facilities": ("facility",),
    "projects": ("project",),
    "events": ("event",),
    "qualification_terms": ("stage", "form"),
    "stock_policies": ("place", "product"),
    "contracts": ("offer",),
    "markets": ("market",),
}
"""Tables of a case the page leads to → the columns that name a row."""

Row = dict[str, Any]
Cells = dict[str, str]


def read_case(folder: Path | None, tables: Iterable[str]) -> dict[str, list[Cells]]:
    """Rows of the case's copy kept in a run folder, as text; tables that are not there have none."""
    found: dict[str, list[Cells]] = {}
    for name in tables:
        file = folder / f"{name}.csv" if folder is not None else None
        found[name] = []
        if file is not None and file.is_file():
            with file.open(encoding="utf-8", newline="") as stream:
                found[name] = [{k: v or "" for k, v in row.items() if k} for row in csv.DictReader(stream)]
    return found


def provenance(view: RunView, plans: Mapping[int, Row]) -> Row:
    """Rows the plans rest on, and their sources.

    Returns:
        ``rows``: ``table:key`` → cells, source, confidence, note. ``sources``: id → title, publisher, date, address.
        ``links``: key of a portfolio row → keys of rows. ``tables``: the columns that name a row.
    """
    folder = view.run.path / "case" if view.run.path is not None else None
    case = read_case(folder, (*TABLES, "sources"))
    wanted = _wanted(view, plans)
    rows: dict[str, Row] = {}
    for table, key in TABLES.items():
        for number, cells in enumerate(case[table], start=2):
            name = "|".join(cells.get(column, "") for column in key)
            if (table, name) in wanted:
                rows[f"{table}:{name}"] = _entry(table, number, cells)
    cited = {entry["source"] for entry in rows.values()}
    sources = {c["source_id"]: {k: c.get(k, "") for k in ("title", "publisher", "date", "url")} for c in case["sources"]
               if c.get("source_id") in cited}  # fmt: skip
    return {"rows": rows, "sources": sources, "links": _links(view, plans, rows)}


def _entry(table: str, number: int, cells: Cells) -> Row:
    kept = {k: v for k, v in cells.items() if v != "" and k not in PROVENANCE}
    origin = {name: cells.get(name, "") for name in PROVENANCE}
    return {"table": table, "line": number, "cells": kept, "source": origin["source_id"],
            "confidence": origin["confidence"], "note": origin["note"]}  # fmt: skip


def _wanted(view: RunView, plans: Mapping[int, Row]) -> set[tuple[str, str]]:
    forms = _forms(view)
    found: set[tuple[str, str]] = set()
    for plan in plans.values():
        for r in plan["portfolio"]:
            found |= {("offers", r["id"]), ("contracts", r["id"]), ("projects", r["id"]), ("facilities", r["facility"])}
            found.add(("qualification_terms", f"{r['stage']}|{forms.get(r['product'], '')}"))
        found |= {("stock_policies", f"{r['place']}|{r['product']}") for r in plan["stock"]}
        found |= {("markets", r["place"]) for r in plan["stock"]}
        found |= {("facilities", row[0]) for load in plan["loads"].values() for row in load["rows"]}
        found |= {("events", row[0]) for row in plan["losses"]}
    return found


def _forms(view: RunView) -> dict[str, str]:
    frame = view.given("products", "product", "form")
    return {str(k): text_of(v) for k, v in zip(frame["product"], frame["form"], strict=True)}


def _links(view: RunView, plans: Mapping[int, Row], rows: Mapping[str, Row]) -> dict[str, list[str]]:
    """Portfolio row (``kind:id``) → rows it rests on, the nearest first."""
    forms = _forms(view)
    found: dict[str, list[str]] = {}
    for plan in plans.values():
        for r in plan["portfolio"]:
            terms = f"qualification_terms:{r['stage']}|{forms.get(r['product'], '')}"
            near = {
                "sale": ["offers"], "toll": ["offers"], "running": ["contracts", "offers"], "project": ["projects"],
            }.get(r["kind"], [])  # fmt: skip
            keys = [f"{table}:{r['id']}" for table in near]
            if r["kind"] in ("qualification", "held"):
                keys.append(terms)
            keys.append(f"facilities:{r['facility']}")
            found[f"{r['kind']}:{r['id']}"] = [key for key in keys if key in rows]
    return found


def weakest(view: RunView, plan: Row, rows: Mapping[str, Row], most: int = 5) -> list[Row]:
    """Assumed figures the plan rests on, those first that move most money between their low and high value.

    Price of an offer: range x tonnes paid for over the horizon. Figures without a range come last.
    """
    found: list[Row] = []
    for r in plan["portfolio"]:
        key = f"{'projects' if r['kind'] == 'project' else 'offers'}:{r['id']}"
        entry = rows.get(key)
        if entry is None or entry["confidence"] != "assumed" or any(item["key"] == key for item in found):
            continue
        low, high = (_number(entry["cells"].get(f"price_{end}_usd_per_kg")) for end in ("low", "high"))
        paid = sum(row[3] for row in plan["deals"].get(r["id"], []))
        swing = (high - low) * paid / 1000.0 if low is not None and high is not None else 0.0
        base = _number(entry["cells"].get("price_usd_per_kg"))
        what = spoken(r["product"]) if r["kind"] != "project" else "project"
        found.append({"key": key, "name": view.name(r["facility"]), "what": view.name(r["product"]) or what,
                      "base": base, "low": low, "high": high, "swing_musd": swing, "note": entry["note"]})  # fmt: skip
    return sorted(found, key=lambda item: (-item["swing_musd"], item["key"]))[:most]


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
