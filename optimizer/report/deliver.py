"""What a run is handed over as: charts, map and page in its folder, or one map in the format asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from optimizer.errors import UsageProblem
from optimizer.report.view import RunView
from optimizer.report.write import as_svg, picture, put, specification
from optimizer.results.folder import RunTables

PICTURE_ENDINGS = ("png", "svg", "pdf", "html")
LAYER_ENDINGS = ("geojson", "gpkg")
ASSUMED = "assumed.json"
"""Share of assumed figures per table, kept so that the page can be drawn again."""


def draw_run(folder: Path, run: RunTables, assumed: Mapping[str, float]) -> tuple[str, ...]:
    """Draw charts, map and page of a run into ``folder``.

    Args:
        folder: where to write; each file appears whole or not at all.
        run: the run's tables; pictures show the recommended point, the knee of the frontier, where they show one.
        assumed: share of assumed figures per table of the case.

    Returns:
        Names of the files written.
    """
    import json

    view = RunView(run)
    if not view.points:
        return ()
    specs = {name: specification(chart(view)) for name, chart in _charts().items()}
    names = []
    for name, spec in specs.items():
        endings = ("png", "svg", "html") if name in ("frontier", "map") else ("png",)
        names += [put(folder / f"{name}.{e}", picture(spec, e)).name for e in endings]
    from optimizer.report.page import page

    put(folder / ASSUMED, json.dumps(dict(sorted(assumed.items())), indent=2).encode())
    content = page(view, {name: as_svg(spec) for name, spec in specs.items()}, assumed)
    names.append(put(folder / "report.html", content.encode("utf-8")).name)
    return tuple(names)


def _charts() -> dict[str, Callable[[RunView], Any]]:
    from optimizer.report.frontier_chart import frontier_chart
    from optimizer.report.plan_charts import costs_chart, losses_chart, shares_chart
    from optimizer.report.world_map import map_chart

    return {
        "frontier": frontier_chart,
        "map": lambda view: map_chart(view, view.recommended),
        "shares": shares_chart,
        "losses": lambda view: losses_chart(view, view.recommended),
        "costs": costs_chart,
    }


def write_map(run: RunTables, point: int | None, target: Path) -> None:
    """Draw the map of a plan; the file's ending says how.

    Args:
        run: the run's tables.
        point: point on the frontier; None for the recommended one (the knee).
        target: file to write, ending in png, svg, pdf, html, geojson or gpkg.

    Raises:
        UsageProblem: an ending or a point that does not exist.
    """
    ending = target.suffix.lower().removeprefix(".")
    if ending not in PICTURE_ENDINGS + LAYER_ENDINGS:
        allowed = ", ".join(PICTURE_ENDINGS + LAYER_ENDINGS)
        raise UsageProblem(f"a map cannot be written as {target.name!r}; the file must end in one of {allowed}")
    view = RunView(run)
    chosen = view.chosen(point)
    if ending in LAYER_ENDINGS:
        from optimizer.report.layers import write_layers

        write_layers(view, chosen, target)
        return
    from optimizer.report.world_map import map_chart

    put(target, picture(specification(map_chart(view, chosen)), ending))


def write_report(run: RunTables) -> list[Path]:
    """Draw charts, map and page of a finished run again, into its folder; returns the files."""
    import json

    kept = run.path / ASSUMED
    assumed = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
    return [run.path / name for name in draw_run(run.path, run, assumed)]
