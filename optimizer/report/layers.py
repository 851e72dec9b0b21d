"""The map of a plan as layers for other programs: GeoJSON and GeoPackage, degrees (EPSG:4326)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from optimizer.report.geometry import cut_at_edge
from optimizer.report.plan_map import Place, PlanMap, plan_map
from optimizer.report.view import RunView
from optimizer.report.write import put

ANTIMERIDIAN_CENTRE = 0.0
"""Lines are cut at 180°, as GeoJSON (RFC 7946, section 3.1.9) asks."""

Row = dict[str, Any]


def features(plan: PlanMap, point: int) -> dict[str, list[Row]]:
    """GeoJSON features of a plan by layer: places, flows."""
    places = [_place(place, "used", point) for place in plan.used]
    places += [_place(place, "unused", point) for place in plan.unused]
    places += [_place(place, "market", point) for place in plan.markets]
    lines = []
    for flow in plan.flows:
        pieces = [[list(corner) for corner in piece] for piece in cut_at_edge(flow.path, ANTIMERIDIAN_CENTRE)]
        told = {"point": point, "layer": flow.layer, "from_facility": flow.start, "to_facility": flow.end}
        told |= {"form": flow.form, "stage": flow.stage, "mode": flow.mode, "t_per_year": round(flow.t_per_year, 3)}
        told["passages"] = ";".join(flow.passages)
        geometry = {"type": "MultiLineString", "coordinates": pieces}
        lines.append({"type": "Feature", "geometry": geometry, "properties": {"what": "flow", **told}})
    return {"places": places, "flows": lines}


def _place(place: Place, role: str, point: int) -> Row:
    told = {"point": point, "place": place.key, "name": place.name, "role": role, "stage": place.stage}
    told |= {"country_iso3": place.country, "t_per_year": round(place.t_per_year, 3)}
    geometry = {"type": "Point", "coordinates": list(place.position)}
    return {"type": "Feature", "geometry": geometry, "properties": {"what": "place", **told}}


def write_layers(view: RunView, point: int, target: Path) -> None:
    """Write a plan's places and flows; a GeoPackage has one layer each, a GeoJSON file holds both."""
    layers = features(plan_map(view, point), point)
    if target.suffix.lower() == ".geojson":
        collection = {"type": "FeatureCollection", "features": [*layers["places"], *layers["flows"]]}
        put(target, json.dumps(collection, ensure_ascii=False, indent=1).encode("utf-8"))
        return
    import geopandas

    fresh = target.with_name(f".{target.stem}.new.gpkg")
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh.unlink(missing_ok=True)
    for name, rows in layers.items():
        if rows:
            frame = geopandas.GeoDataFrame.from_features(rows, crs="EPSG:4326")
            frame.to_file(fresh, layer=name, driver="GPKG", engine="pyogrio")
    os.replace(fresh, target)
