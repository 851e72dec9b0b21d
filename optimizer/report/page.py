"""The report page: one HTML file that holds its data, drawing program and script, and may ask nothing of any server."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

import pandas as pd

from optimizer.report import numbers, page_charts, theme
from optimizer.report.frontier_chart import certificate, finding, numbered
from optimizer.report.map_legend import DISCLAIMER, SOURCES
from optimizer.report.page_map import page_map
from optimizer.report.page_parts import SHOWN, parts
from optimizer.report.page_plans import KINDS, Plans, names_used
from optimizer.report.page_sources import provenance, weakest
from optimizer.report.page_words import answer, assumed_words, facts, headline, promise, unbroken
from optimizer.report.view import RunView, spoken

Row = dict[str, Any]

POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
"""What the page may do: run exactly the scripts it was written with, and connect to nothing."""


def page(view: RunView, assumed: Mapping[str, float]) -> str:
    """The page as HTML.

    Args:
        view: the run.
        assumed: share of assumed figures per table.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    kit = Environment(
        loader=PackageLoader("optimizer.report", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    content = page_data(view)
    weak = weakest(view, content["plans"][view.recommended], content["provenance"]["rows"])
    scripts = [_runtime(), _script()]
    return kit.get_template("report.html.j2").render(
        view=view,
        finding=finding(view),
        answer=answer(view),
        figures=headline(view),
        frontier=frontier_rows(view),
        promise=promise(view),
        certificate=unbroken(certificate(view)),
        assumed_words=assumed_words(assumed),
        assumed=[(spoken(name), share, numbers.percent(share)) for name, share in _ranked(assumed) if share > 0],
        weak=[(item, _weak_words(item)) for item in weak],
        sources=f"{SOURCES} {DISCLAIMER}",
        facts=facts(view),
        parts=content["parts"],
        indicators=content["indicators"],
        style=Markup(_style()),
        scripts=[Markup(script) for script in scripts],
        data=Markup(embedded(content)),
        policy=POLICY.format(scripts=" ".join(_fingerprint(script) for script in scripts)),
    )


def page_data(view: RunView) -> Row:
    """Everything the page's script draws from, by name."""
    plans = Plans(view)
    drawn = {point: plans.plan(point) for point in view.points}
    case = re.sub(r"[^A-Za-z0-9_-]+", "_", str(view.run.manifest.get("case") or "run"))
    return {
        "file": case, "recommended": view.recommended, "points": _points(view), "kinds": list(KINDS),
        "extent": page_charts.frontier_extent(view), "charts": page_charts.charts(view), "plans": drawn,
        "events": plans.events, "names": names_used(view, drawn.values()), "countries": _countries(drawn),
        "indicators": sorted({name for plan in drawn.values() for name in plan["loads"]}), "map": page_map(view),
        "provenance": provenance(view, drawn), "demand_t": plans.demand_t, "parts": parts(view), "most": SHOWN,
    }  # fmt: skip


def embedded(content: Row) -> str:
    """Data as JSON that cannot end the script element it stands in."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign, code in (
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
    ):
        text = text.replace(sign, code)
    return text


def _points(view: RunView) -> list[Row]:
    short = {"cost": "cost_musd", "kg": "cost_usd_per_kg", "loss": "loss_months", "mean": "expected_loss_months",
             "worst": "worst_loss_months", "bound": "cost_bound_musd", "gap": "gap_share"}  # fmt: skip
    named = numbered(view)
    found = []
    for r in view.frontier.to_dict("records"):
        row: Row = {name: _plain(r.get(column)) for name, column in short.items()}
        raw = {column: _plain(r.get(column)) for column in short.values()}
        found.append({"point": int(r["point"]), "status": str(r["status"]), "numbered": int(r["point"]) in named, **row,
                      "raw": raw})  # fmt: skip
    return found


def _plain(value: object) -> float | None:
    if value is None or value is pd.NA:
        return None
    number = float(str(value))
    return number if number == number and abs(number) != float("inf") else None


def _countries(plans: Mapping[int, Row]) -> list[str]:
    """Countries by their shares over all plans, the largest first: the order in which they get colours."""
    totals: dict[str, float] = {}
    for plan in plans.values():
        for _, name, share in plan["shares"]:
            totals[name] = totals.get(name, 0.0) + share
    return sorted(totals, key=lambda name: (-totals[name], name))


def frontier_rows(view: RunView) -> list[Row]:
    """Table of the frontier."""
    return [
        {
            "point": int(r["point"]),
            "cells": [
                f"{float(r['cost_musd']):.1f}", f"{float(r['cost_usd_per_kg']):.2f}", f"{float(r['loss_months']):.2f}",
                f"{float(r['expected_loss_months']):.2f}", f"{float(r['worst_loss_months']):.2f}",
                f"{float(r['cost_bound_musd']):.1f}", numbers.percent(float(r["gap_share"])), str(r["status"]),
            ],
        }
        for r in view.frontier.to_dict("records")
    ]  # fmt: skip


def _weak_words(item: Row) -> str:
    """What is assumed, how far it may be off, and what that is worth."""
    if item["low"] is None or item["high"] is None:
        return "assumed, no range given"
    base = item["base"] if item["base"] is not None else (item["low"] + item["high"]) / 2
    told = f"{numbers.usd_per_kg(base)}, {numbers.figure(item['low'])} to {numbers.figure(item['high'])}"
    return unbroken(f"{told}: {numbers.musd(item['swing_musd'])} between the ends")


def _ranked(assumed: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(assumed.items(), key=lambda pair: (-pair[1], pair[0]))


def _style() -> str:
    """Style sheet with the theme's colours by light, by dark, and by the reader's own choice."""
    dark, light = theme.css_colours(True), theme.css_colours(False)
    colours = (
        f":root{{color-scheme:light;{light}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}\n"
        f"@media screen{{:root[data-theme=dark]{{color-scheme:dark;{dark}}}}}\n"
    )
    sheet = (files("optimizer.report") / "templates" / "styles" / "page.css").read_text(encoding="utf-8")
    return colours + sheet.replace("$font", theme.FONT)


def _script() -> str:
    """The page's own script, its files in the order of their numbers."""
    folder = files("optimizer.report") / "templates" / "scripts"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".js"))
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


@lru_cache(maxsize=1)
def _runtime() -> str:
    """Vega-Lite with everything it needs, as one script."""
    import vl_convert

    return str(vl_convert.javascript_bundle("window.vegaEmbed=vegaEmbed;")).replace("</script", "<\\/script")


def _fingerprint(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
