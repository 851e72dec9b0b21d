"""Synthetic chains of real shape: a case with every plant several times over, each copy a little different.

The shape stays that of the case it is made from: stages, routes, how many plants per stage, terms, ports, events.
Copies differ in capacity and price by a few per cent, drawn from a seed; demand grows with the number of copies.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from optimizer.tables.case import Case, load_case
from optimizer.tables.locate import data_root
from optimizer.tables.package import load_package
from optimizer.tables.snapshot import whole_settings, write_whole

SPREAD = 0.05
"""Copies differ from the original by about this share."""

DRAWN = ("capacity_t_per_year", "price_usd_per_kg")
GROWING = ("demand_t_per_year",)


def copied(case: Case, copies: int, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Tables of a case with ``copies`` of every plant, and everything that refers to a plant copied with it."""
    package = load_package(data_root())
    own_keys = {"facility"}
    for resource in package.resources.values():
        links = {link.field for link in resource.foreign_keys if link.resource == "facilities"}
        if len(resource.key) == 1 and (links or "facility" in resource.columns) and resource.name != "facilities":
            own_keys |= set(resource.key)
    draw = np.random.default_rng(seed)
    tables = {}
    for name, frame in case.tables.items():
        resource = package.resources[name]
        facility_columns = {link.field for link in resource.foreign_keys if link.resource == "facilities"} | (
            {"facility"} & set(frame.columns)
        )
        if facility_columns and len(frame):
            parts = [_copy(frame, facility_columns, own_keys, number, draw) for number in range(copies)]
            frame = pd.concat(parts, ignore_index=True).drop_duplicates(list(resource.key), ignore_index=True)
        for column in GROWING:
            if column in frame:
                frame = frame.assign(**{column: frame[column] * copies})
        tables[name] = frame
    return tables


def _copy(
    frame: pd.DataFrame, facilities: set[str], keys: set[str], number: int, draw: np.random.Generator
) -> pd.DataFrame:
    if number == 0:
        return frame
    part = frame.copy()
    for column in sorted((facilities | keys) & set(part.columns)):
        part[column] = [
            f"{cell}~{number}" if isinstance(cell, str) and cell not in ("", "*") else cell for cell in part[column]
        ]
    for column in DRAWN:
        if column in part:
            part[column] = part[column] * draw.uniform(1 - SPREAD, 1 + SPREAD, len(part))
    return part


def write_chain(folder: Path, base: str, copies: int, years: int, events: int, starts: int, seed: int = 0) -> Path:
    """Write a chain as a case folder: so many copies of every plant, years, events and start years per event."""
    case = load_case(base)
    settings = whole_settings(case)
    first = case.settings.horizon.first_year
    span = list(range(first, first + years))
    settings["horizon"] = {"first_year": first, "last_year": span[-1]}
    chosen = case.settings.shocks.events or tuple(case.tables["events"]["event"])
    settings["shocks"] = {**dict(settings["shocks"]), "events": list(chosen[:events]), "start_years": span[:starts]}
    settings["contracts"] = {
        **dict(settings["contracts"]),
        "start_years": [year for year in case.settings.contracts.start_years if year in span],
        "qualification_years": [year for year in case.settings.contracts.qualification_years if year in span],
    }
    settings["limits"], settings["market_rules"] = {}, []
    settings["title"] = f"{copies} x {case.name}, {years} years, {events * starts} shocks"
    tables = copied(case, copies, seed)
    if "demand" in tables:
        tables["demand"] = tables["demand"][tables["demand"]["year"].isin(span)].reset_index(drop=True)
    return write_whole(settings, tables, folder)
