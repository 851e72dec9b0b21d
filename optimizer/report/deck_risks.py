"""Slides on what stays open: losses by event, assumed figures, stress beyond the model; and the sources."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.report import numbers, theme
from optimizer.report.deck_kit import BODY, HEIGHT, LEFT, TEXT, Kit, TextLook
from optimizer.report.map_legend import DISCLAIMER, SOURCES
from optimizer.report.page_words import FELT
from optimizer.report.plan_charts import event_losses, losses_finding
from optimizer.report.run_parts import read_part
from optimizer.report.view import RunView, spoken

EVENTS, TABLES, SOURCES_SHOWN = 9, 8, 12


def risks_slide(kit: Kit, view: RunView, assumed: Mapping[str, float]) -> None:
    """What the recommended plan still loses, and which figures are assumed."""
    point = view.recommended
    frame = event_losses(view, point)
    worst = frame.sort_values("loss_months", ascending=False, kind="stable").groupby("event", sort=False).head(1)
    rows = [[str(r["name"]), *_times(r)] for r in worst.head(EVENTS).to_dict("records")]
    weak = sorted(((share, name) for name, share in assumed.items() if share > 0), reverse=True)
    told = [[spoken(name), numbers.percent(share)] for share, name in weak]
    stressed = stress_words(view) or [stated(view)]
    notes = [f"{r[0]}: loses {r[1]}, first cut after {r[2]}, met again after {r[3]}." for r in rows]
    notes += [f"{name}: {share} of the rows are assumed." for name, share in told] + stressed
    source = "Tables losses and shocks; assumed: rows of the case whose confidence is `assumed`"
    page = kit.slide(losses_finding(view, point), [*notes, f"Run: {view.run.path.name}."], source)
    left = BODY * 0.66
    high = HEIGHT - 2.85
    if rows:
        columns = ("Event, worst start year", "Lost", "First cut after", "Met again after")
        page.table((LEFT, 1.4, left, high), columns, rows, (3.7, 1.3, 1.5, 1.5), (1, 2, 3), "Risks")
    if told:
        heads = ("Assumed figures in", "of rows")
        page.table((LEFT + left + 0.3, 1.4, BODY - left - 0.3, high), heads, told[:TABLES], (2.6, 1.1), (1,), "Assumed")
    page.text(
        (LEFT, HEIGHT - 1.3, BODY, 0.7), stressed[:2], TextLook(TEXT - 2, lines=2 if len(stressed) == 1 else 1, gap=4)
    )


def _times(row: Mapping[Any, Any]) -> list[str]:
    """Months lost, months until the first cut and until all is met again; dashes where nothing is lost."""
    lost, cut, met = (float(str(row[name])) for name in ("loss_months", "survive_months", "recover_months"))
    if lost < FELT:
        return ["nothing", numbers.MISSING, numbers.MISSING]
    return [numbers.months(value) for value in (lost, cut, met)]


def stated(view: RunView) -> str:
    """What the case states and no table proves: discount rate, measure of loss, the shocks looked at."""
    rate, shocks = view.setting("discount_rate_share"), view.table("shocks")
    told = f"Stated by the case: loss is the {view.measure}, {len(shocks)} shocks with yearly rates from tables"
    return f"{told}, discount rate {numbers.percent(float(rate))} a year, real" if rate else told


def stress_words(view: RunView) -> list[str]:
    """What the stress test says of the recommended plan, in a sentence with figures; none without it."""
    table = read_part(view.run.path, "stress", "stress_summary")
    needed = {"point", "samples", "mean_loss_months", "measure_months", "in_sample_months", "worst_loss_months"}
    if table is None or not needed <= set(table.columns):
        return []
    rows = table[table["point"] == view.recommended].to_dict("records")
    return [_stressed(row) for row in rows[:1]]


def _stressed(row: Mapping[Any, Any]) -> str:
    mean, worst, measure, model = (
        numbers.months(float(row[name]))
        for name in ("mean_loss_months", "worst_loss_months", "measure_months", "in_sample_months")
    )
    return (
        f"In {int(row['samples'])} sampled shocks it was not built for, the plan loses {mean} on average and {worst} "
        f"at worst; the measure is {measure}, where the model says {model} (table stress_summary)"
    )


def sources_slide(kit: Kit, view: RunView) -> None:
    """Where the figures come from: the sources that stand behind most rows."""
    counts, confidence = cited(view.run.path / "case")
    titles = _titles(view.run.path / "case")
    ranked = sorted(counts, key=lambda key: (-counts[key], key))
    whole = sum(confidence.values())
    title = f"{len(ranked)} sources stand behind {whole} rows of the case"
    if whole:
        order = sorted(confidence.items(), key=lambda item: -item[1])
        title += ": " + ", ".join(f"{numbers.percent(count / whole)} {name}" for name, count in order)
    else:
        title = "The run keeps no list of sources"
    rows = [[key, *titles.get(key, ("", "")), str(counts[key])] for key in ranked]
    notes = [f"{r[0]}: {r[1]}, {r[2]}; {r[3]} rows." for r in rows]
    page = kit.slide(title, [*notes, SOURCES, DISCLAIMER, f"Run: {view.run.path.name}."], f"{SOURCES} {DISCLAIMER}")
    if rows:
        heads = ("Id", "Source", "Publisher", "Rows")
        page.table((LEFT, 1.4, BODY, HEIGHT - 2.0), heads, rows[:SOURCES_SHOWN], (1.8, 6.4, 2.8, 0.8), (3,), "Sources")
    else:
        page.text((LEFT, 1.6, BODY, 1), ["The run was made without a copy of its case."], TextLook(TEXT, theme.MUTED))


def cited(folder: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Rows of a case by source, and by confidence."""
    counts: dict[str, int] = {}
    confidence: dict[str, int] = {}
    for file in sorted(folder.glob("*.csv")):
        if file.stem == "sources":
            continue
        with file.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if row.get("confidence"):
                    confidence[row["confidence"]] = confidence.get(row["confidence"], 0) + 1
                for key in (row.get("source_id") or "").split(";"):
                    if key.strip():
                        counts[key.strip()] = counts.get(key.strip(), 0) + 1
    return counts, confidence


def _titles(folder: Path) -> dict[str, tuple[str, str]]:
    """Source → title, publisher with date."""
    file = folder / "sources.csv"
    if not file.is_file():
        return {}
    table = pd.read_csv(file, dtype="str", keep_default_na=False)
    found = {}
    for row in table.to_dict("records"):
        by = ", ".join(part for part in (str(row.get("publisher", "")), str(row.get("date", ""))) if part)
        found[str(row["source_id"])] = (str(row.get("title", "")), by)
    return found
