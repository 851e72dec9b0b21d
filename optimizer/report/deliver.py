"""What a run is handed over as: page, deck, workbook, charts and maps, each in its folder whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from optimizer.errors import UsageProblem
from optimizer.report.view import RunView
from optimizer.report.world_map import MapRequest
from optimizer.report.write import picture, put, specification
from optimizer.results.folder import RunTables
from optimizer.results.record_kinds import AssumedKinds
from optimizer.results.records import read_record

ASSUMED = "assumed.json"
"""Share of assumed figures per table, kept so that the page can be drawn again."""
FORMATS = {"html": "report.html", "pptx": "deck.pptx", "xlsx": "workbook.xlsx"}
"""Format of a report → name of its file in the folder of the run."""


def draw_run(folder: Path, run: RunTables, assumed: Mapping[str, float]) -> tuple[str, ...]:
    """Draw charts, map and page of a run into ``folder``.

    Args:
        folder: where to write; each file appears whole or not at all.
        run: the run's tables; pictures show the recommended point, the knee of the frontier, where they show one.
        assumed: share of assumed figures per table of the case.

    Returns:
        Names of the files written.
    """
    from optimizer.report.map_files import map_bytes
    from optimizer.report.world_map import map_svg

    view = RunView(run)
    if not view.points:
        return ()
    names = []
    for name, chart in _charts().items():
        spec = specification(chart(view))
        endings = ("png", "svg", "html") if name == "frontier" else ("png",)
        names += [put(folder / f"{name}.{e}", picture(spec, e)).name for e in endings]
    svg = map_svg(view, MapRequest(view.recommended))
    names += [put(folder / f"map.{e}", map_bytes(svg, e, view.title)).name for e in ("png", "svg", "html")]
    put(folder / ASSUMED, json.dumps(dict(sorted(assumed.items())), indent=2).encode())
    names.append(put(folder / FORMATS["html"], _report(view, "html", assumed)).name)
    return tuple(names)


def _charts() -> dict[str, Callable[[RunView], Any]]:
    from optimizer.report.frontier_chart import frontier_chart
    from optimizer.report.plan_charts import costs_chart, losses_chart, shares_chart

    return {
        "frontier": frontier_chart,
        "shares": shares_chart,
        "losses": lambda view: losses_chart(view, view.recommended),
        "costs": costs_chart,
    }


def write_map(run: RunTables, request: MapRequest | int | None, target: Path, dpi: int | None = None) -> None:
    """Draw the map of a plan; the file's ending says how.

    Args:
        run: the run's tables.
        request: what the map shows, or only the point on the frontier; None or 0 for the recommended one (the knee).
        target: file to write, ending in png, svg, pdf, html, geojson or gpkg.
        dpi: dots per inch of a png (a page is 13.3 by 7.5 inches).

    Raises:
        UsageProblem: an ending, a point, a shock or a region that does not exist.
    """
    from dataclasses import replace

    from optimizer.report.map_files import DPI, write_one_map

    view = RunView(run)
    asked = request if isinstance(request, MapRequest) else MapRequest(request or 0)
    chosen = view.chosen(asked.point or None)
    write_one_map(view, replace(asked, point=chosen), target, dpi or DPI)


def checked_formats(text: str) -> tuple[str, ...]:
    """Formats named in a list with commas.

    Raises:
        UsageProblem: a format that does not exist, or none.
    """
    names = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    unknown = [name for name in names if name not in FORMATS]
    if unknown or not names:
        told = f"there is no format {unknown[0]!r}" if unknown else "no format is named"
        raise UsageProblem(f"{told}; a report is written as {', '.join(FORMATS)}")
    return names


def write_report(run: RunTables, formats: Sequence[str] = ("html",)) -> list[Path]:
    """Write page, deck or workbook of a finished run into its folder; returns the files.

    Raises:
        UsageProblem: the run has no plan.
    """
    view = RunView(run)
    view.chosen(None)
    kept = run.path / ASSUMED
    assumed = read_record(kept, AssumedKinds) if kept.exists() else {}
    return [put(run.path / FORMATS[name], _report(view, name, assumed)) for name in formats]


def _report(view: RunView, name: str, assumed: Mapping[str, float]) -> bytes:
    """A report in one format."""
    if name == "pptx":
        from optimizer.report.deck import deck

        return deck(view, assumed)
    if name == "xlsx":
        from optimizer.report.workbook import workbook

        return workbook(view, assumed)
    from optimizer.report.page import page

    return page(view, assumed).encode("utf-8")
