"""The map of a plan as layers for other programs: GeoJSON and GeoPackage, degrees (EPSG:4326).

Layers: ``nodes`` (plants and markets, points), ``lanes`` (flows, lines cut at 180°), ``passages`` (points).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from optimizer.report.geometry import cut_at_edge
from optimizer.report.plain_text import plain
from optimizer.report.plan_map import Place, PlanMap
from optimizer.report.write import put

ANTIMERIDIAN_CENTRE = 0.0
"""Lines are cut at 180°, as GeoJSON (RFC 7946, section 3.1.9) asks."""

Row = dict[str, Any]


def features(plan: PlanMap, point: int) -> dict[str, list[Row]]:
    """GeoJSON features of a plan by layer: nodes, lanes, passages. Masses in t/yr; shocks as least open shares."""
    nodes = [_node(place, role, plan, point) for role, places in
             (("used", plan.used), ("unused", plan.unused), ("market", plan.markets)) for place in places]  # fmt: skip
    lanes = []
    for flow in plan.flows:
        pieces = [[list(corner) for corner in piece] for piece in cut_at_edge(flow.path, ANTIMERIDIAN_CENTRE)]
        told = {"point": point, "layer": flow.layer, "from_facility": flow.start, "to_facility": flow.end}
        told |= {"form": flow.form, "kind": flow.kind, "stage": flow.stage, "mode": flow.mode}
        told |= {"t_per_year": round(flow.t_per_year, 3), "passages": ";".join(flow.passages)}
        told |= {"lanes": ";".join(flow.lanes), "is_cut": plan.hit.cuts(flow), "shock": plan.hit.shock}
        geometry = {"type": "MultiLineString", "coordinates": pieces}
        lanes.append({"type": "Feature", "geometry": geometry, "properties": {"what": "lane", **told}})
    passages = [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": list(position)},
         "properties": {"what": "passage", "point": point, "passage": key, "name": plain(name),
                        "t_per_year": round(sum(f.t_per_year for f in plan.flows if key in f.passages), 3)}}
        for key, (name, position) in plan.passages.items()
    ]  # fmt: skip
    return {"nodes": nodes, "lanes": lanes, "passages": passages}


def _node(place: Place, role: str, plan: PlanMap, point: int) -> Row:
    told = {"point": point, "node": place.key, "name": plain(place.name), "role": role, "stage": place.stage}
    told |= {"country_iso3": place.country, "t_per_year": round(place.t_per_year, 3)}
    told |= {"open_share": plan.hit.places.get(place.key, 1.0), "shock": plan.hit.shock}
    geometry = {"type": "Point", "coordinates": list(place.position)}
    return {"type": "Feature", "geometry": geometry, "properties": {"what": "node", **told}}


def write_layers(plan: PlanMap, point: int, target: Path) -> None:
    """Write a plan's layers; a GeoPackage has one layer each, a GeoJSON file holds all features."""
    layers = features(plan, point)
    if target.suffix.lower() == ".geojson":
        collection = {"type": "FeatureCollection", "features": [row for rows in layers.values() for row in rows]}
        put(target, json.dumps(collection, ensure_ascii=False, indent=1).encode("utf-8", "replace"))
        return
    import geopandas

    fresh = target.with_name(f".{target.stem}.new.gpkg")
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh.unlink(missing_ok=True)
    try:
        for name, rows in layers.items():
            kind = "MultiLineString" if name == "lanes" else "Point"
            columns = None if rows else ["what", "geometry"]
            frame = geopandas.GeoDataFrame.from_features(rows, crs="EPSG:4326", columns=columns)
            frame.to_file(fresh, layer=name, driver="GPKG", engine="pyogrio", geometry_type=kind)
        os.replace(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)
