"""The slide of what happens when: qualifications, contracts and sponsored plants over the years, as native shapes."""

from __future__ import annotations

from typing import Any

from optimizer.report import numbers, theme
from optimizer.report.deck_kit import BODY, HEIGHT, LEFT, SMALL, TEXT, Kit, Slide, TextLook
from optimizer.report.plain_text import fitted
from optimizer.report.view import RunView, spoken

KINDS = {"qualification": theme.CATEGORIES[2], "project": theme.CATEGORIES[5], "sale": theme.CATEGORIES[0],
         "toll": theme.CATEGORIES[4]}  # fmt: skip
WORDS = {"qualification": "qualification", "project": "sponsored plant", "sale": "contract", "toll": "toll contract"}
LABELS = 4.3
MOST = 15

Row = dict[str, Any]


def timeline_rows(view: RunView) -> list[Row]:
    """One row per kind and plant of the recommended plan: first and last year, t/yr; in order of the first year."""
    rows = view.of_point("portfolio", view.recommended)
    rows = rows[rows["kind"].isin(list(KINDS))]
    found = []
    for (kind, facility), group in rows.groupby(["kind", "facility"]):
        spans = [(int(a), int(b), float(t)) for a, b, t in
                 zip(group["start_year"], group["end_year"], group["committed_t_per_year"], strict=True)]  # fmt: skip
        found.append({"kind": str(kind), "name": view.name(facility), "spans": sorted(spans)})
    order = list(KINDS)
    return sorted(found, key=lambda r: (order.index(r["kind"]), r["spans"][0][0], r["name"]))


def timeline_slide(kit: Kit, view: RunView) -> None:
    """Bars over the years, one row per plant and kind."""
    rows = timeline_rows(view)
    years = _years(view, rows)
    counts = {kind: sum(len(r["spans"]) for r in rows if r["kind"] == kind) for kind in KINDS}
    title = _title(view, rows, counts)
    notes = [
        f"{WORDS[r['kind']]}, {r['name']}: " + ", ".join(f"{a} to {b}, {numbers.mass(t)}/yr" for a, b, t in r["spans"])
        for r in rows
    ]
    source = f"Table portfolio, point {view.recommended}; figures in bars: largest yearly commitment"
    page = kit.slide(title, [*notes, f"Run: {view.run.path.name}."], source)
    if not rows:
        page.text((LEFT, 1.6, BODY, 1), ["The plan signs, qualifies and sponsors nothing."], TextLook(TEXT))
        return
    _legend(page, [kind for kind in KINDS if counts[kind]])
    shown = rows if len(rows) <= MOST else rows[: MOST - 1]
    top, step = 2.0, min(0.5, (HEIGHT - 2.55) / (len(shown) + (len(rows) > len(shown))))
    scale = (BODY - LABELS) / len(years)
    for k, year in enumerate(years):
        left = LEFT + LABELS + k * scale
        page.text((left, 1.68, scale, 0.25), [str(year)], TextLook(SMALL, theme.MUTED, lines=1, align="center"))
        page.bar((left, top, 0.01, step * len(shown)), theme.GRID, name=f"start of {year}")
    for k, row in enumerate(shown):
        _row(page, row, (top + k * step, step), years, scale)
    if len(rows) > len(shown):
        more = f"and {len(rows) - len(shown)} more: sheet Portfolio of workbook.xlsx"
        page.text((LEFT, top + len(shown) * step, BODY, 0.3), [more], TextLook(SMALL, theme.MUTED, lines=1))


def _title(view: RunView, rows: list[Row], counts: dict[str, int]) -> str:
    told = [f"{count} {WORDS[kind]}{'s' if count != 1 else ''}" for kind, count in counts.items() if count]
    if not rows:
        return f"Plan {view.recommended} changes nothing over the years"
    starts = [a for row in rows for a, _, _ in row["spans"]]
    busiest = max(sorted(set(starts)), key=starts.count)
    return f"{', '.join(told)}: {starts.count(busiest)} of {len(starts)} start in {busiest}"


def _years(view: RunView, rows: list[Row]) -> list[int]:
    first, last = view.setting("first_year"), view.setting("last_year")
    spans = [span for row in rows for span in row["spans"]]
    low = int(first) if first else min((a for a, _, _ in spans), default=0)
    high = int(last) if last else max((b for _, b, _ in spans), default=0)
    return list(range(low, high + 1))


def _legend(page: Slide, kinds: list[str]) -> None:
    left = LEFT + LABELS
    for kind in kinds:
        page.bar((left, 1.34, 0.22, 0.18), KINDS[kind], name=f"key {kind}")
        page.text((left + 0.3, 1.3, 2.0, 0.28), [WORDS[kind]], TextLook(SMALL, theme.MUTED, lines=1))
        left += 0.6 + theme.text_width(WORDS[kind], SMALL) / 72


def _row(page: Slide, row: Row, place: tuple[float, float], years: list[int], scale: float) -> None:
    """Label and bars of one row; bars that overlap share the height."""
    top, step = place
    name = fitted(row["name"], (LABELS - 0.2) * 72, SMALL)
    page.text((LEFT, top + 0.04, LABELS - 0.15, step), [name], TextLook(SMALL, lines=1))
    tracks: list[int] = []
    placed = []
    for start, end, tonnes in row["spans"]:
        track = next((k for k, last in enumerate(tracks) if last < start), len(tracks))
        tracks[track : track + 1] = [end]
        placed.append((track, start, end, tonnes))
    high = (step - 0.06) / len(tracks)
    for track, start, end, tonnes in placed:
        a, b = max(start, years[0]), min(end, years[-1])
        if b < a:
            continue
        left, wide = LEFT + LABELS + (a - years[0]) * scale, (b - a + 1) * scale - 0.05
        told = f"{numbers.mass(tonnes)}/yr" if tonnes > 0 and len(tracks) == 1 else ""
        name = f"{spoken(row['kind'])} {row['name']} {start}"
        page.bar((left, top + 0.03 + track * high, wide, max(0.05, high - 0.02)), KINDS[row["kind"]], told, name)
