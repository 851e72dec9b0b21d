"""Two runs side by side: what went in, and what came out of it.

The first run is the base; every difference is the other run less the base.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from optimizer.results.folder import RunTables

SAME = 1e-9
"""Relative difference up to which figures count as equal."""
_PROVENANCE = ("source_id", "confidence", "note")


def settings_table(base: Mapping[str, Any], other: Mapping[str, Any]) -> pd.DataFrame:
    """Settings that differ: ``key, before, after``; keys of sections joined by points."""
    first, second = dict(_flat(base)), dict(_flat(other))
    rows = [
        (key, first.get(key, ""), second.get(key, ""))
        for key in sorted(first.keys() | second.keys())
        if first.get(key, "") != second.get(key, "")
    ]
    return pd.DataFrame(rows, columns=["key", "before", "after"])


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        elif value is not None and value not in ({}, (), []):
            yield f"{prefix}{key}", str(value)


def rows_table(
    base: Mapping[str, pd.DataFrame], other: Mapping[str, pd.DataFrame], keys: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """Rows of the input tables that were added, removed or changed.

    Args:
        base: tables by name.
        other: the same of the other run.
        keys: table → its key columns.

    Returns:
        ``table, row, change, column, before, after``: one line per changed cell, one per row added or removed.
    """
    found: list[tuple[str, ...]] = []
    for table in sorted(base.keys() | other.keys()):
        first, second = (_by_key(tables.get(table), keys.get(table, ())) for tables in (base, other))
        for row in sorted(first.keys() | second.keys()):
            if row not in second:
                found.append((table, row, "removed", "", "", ""))
            elif row not in first:
                found.append((table, row, "added", "", "", ""))
            elif first[row] != second[row]:
                found += [
                    (table, row, "changed", column, first[row].get(column, ""), second[row].get(column, ""))
                    for column in dict.fromkeys([*first[row], *second[row]])
                    if first[row].get(column, "") != second[row].get(column, "")
                ]
    return pd.DataFrame(found, columns=["table", "row", "change", "column", "before", "after"])


def _by_key(frame: pd.DataFrame | None, key: Sequence[str]) -> dict[str, dict[str, str]]:
    """Key as text → cells as text; provenance is left out."""
    if frame is None or frame.empty:
        return {}
    told = [column for column in frame.columns if column not in _PROVENANCE]
    cells = {str(column): [_text(value) for value in frame[column].tolist()] for column in told}
    named = [column for column in key if column in cells] or list(cells)
    names = ["|".join(parts) for parts in zip(*(cells[column] for column in named), strict=True)]
    return {name: {column: cells[column][place] for column in cells} for place, name in enumerate(names)}


def _text(value: Any) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def frontier_table(base: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Every point of both runs beside the other run at the same loss.

    Returns:
        ``of, point, cost_musd, loss_months, straight_cost_musd`` (the other run's attained points joined by straight
        lines; empty outside their losses), ``attained_cost_musd`` (cheapest plan of the other run that loses no more),
        ``difference_musd`` (own cost less the straight one) and ``is_dominated``.
    """
    rows = []
    for name, own, against in (("base", base, other), ("other", other, base)):
        for point in own.sort_values("point").to_dict("records"):
            cost, loss = float(point["cost_musd"]), float(point["loss_months"])
            straight = cost_at(against, loss)
            rows.append(
                {
                    "of": name,
                    "point": int(point["point"]),
                    "cost_musd": cost,
                    "loss_months": loss,
                    "straight_cost_musd": straight,
                    "attained_cost_musd": _cheapest(against, loss),
                    "difference_musd": cost - straight,
                    "is_dominated": _is_dominated(against, cost, loss),
                }
            )
    return pd.DataFrame(rows)


def cost_at(frontier: pd.DataFrame, loss: float) -> float:
    """Cost at a loss on straight lines between a run's undominated points, MUSD; not a number outside them."""
    corners: list[tuple[float, float]] = []
    for months, cost in sorted(zip(frontier["loss_months"], frontier["cost_musd"], strict=True)):
        if not corners or cost < corners[-1][1]:
            corners.append((float(months), float(cost)))
    if not corners or loss < corners[0][0] - _room(loss):
        return float("nan")
    losses, costs = zip(*corners, strict=True)
    if loss > losses[-1] + _room(loss):
        return float(costs[-1])
    return float(np.interp(loss, losses, costs))


def _cheapest(frontier: pd.DataFrame, loss: float) -> float:
    within = frontier.loc[frontier["loss_months"] <= loss + _room(loss), "cost_musd"]
    return float(within.min()) if len(within) else float("nan")


def _is_dominated(frontier: pd.DataFrame, cost: float, loss: float) -> bool:
    near = (frontier["cost_musd"] <= cost + _room(cost)) & (frontier["loss_months"] <= loss + _room(loss))
    less = (frontier["cost_musd"] < cost - _room(cost)) | (frontier["loss_months"] < loss - _room(loss))
    return bool((near & less).any())


def _room(value: float) -> float:
    return SAME * (1.0 + abs(value))


def nearest_loss(frontier: pd.DataFrame, loss: float) -> int:
    """Point whose loss is nearest; the cheaper of two."""
    order = sorted(
        frontier.to_dict("records"), key=lambda row: (abs(float(row["loss_months"]) - loss), float(row["cost_musd"]))
    )
    return int(order[0]["point"])


def portfolio_table(base: RunTables, other: RunTables, points: tuple[int, int]) -> pd.DataFrame:
    """What the two plans hold, sign, qualify and sponsor, where they differ.

    Returns:
        ``kind, offer, facility, stage, country_iso3, change, committed_before_t, committed_after_t`` (t/yr, mean of the
        contracts' rows added up).
    """
    first, second = (_holdings(run, point) for run, point in zip((base, other), points, strict=True))
    rows = []
    for pick in sorted(first.keys() | second.keys()):
        before, after = first.get(pick), second.get(pick)
        if before is not None and after is not None and _alike(before, after):
            continue
        change = "added" if before is None else "dropped" if after is None else "volume"
        rows.append((*pick, change, before or 0.0, after or 0.0))
    columns = [
        "kind",
        "offer",
        "facility",
        "stage",
        "country_iso3",
        "change",
        "committed_before_t",
        "committed_after_t",
    ]
    return pd.DataFrame(rows, columns=columns)


def _holdings(run: RunTables, point: int) -> dict[tuple[str, ...], float]:
    table = run.tables["portfolio"]
    own = table[table["point"] == point]
    keys = ["kind", "offer", "facility", "stage", "country_iso3"]
    found: dict[tuple[str, ...], float] = {}
    for row in own.to_dict("records"):
        pick = tuple(str(row[key]) for key in keys)
        found[pick] = found.get(pick, 0.0) + float(row["committed_t_per_year"])
    return found


def _alike(first: float, second: float) -> bool:
    return abs(first - second) <= 1e-6 * (1.0 + abs(first))


def costs_table(base: RunTables, other: RunTables, points: tuple[int, int]) -> pd.DataFrame:
    """From one plan's cost to the other's, term by term: ``term, before_musd, after_musd, difference_musd``."""
    first, second = (
        run.tables["costs"].query("point == @point").groupby("term")["cost_musd"].sum()
        for run, point in zip((base, other), points, strict=True)
    )
    return _beside(first, second, ["term"], "musd")


def shares_table(base: RunTables, other: RunTables, points: tuple[int, int]) -> pd.DataFrame:
    """Shares of countries at stages: ``stage, country_iso3, before_share, after_share, difference_share``."""
    first, second = (
        run.tables["shares"].query("point == @point").groupby(["stage", "country_iso3"])["flow_share"].sum()
        for run, point in zip((base, other), points, strict=True)
    )
    return _beside(first, second, ["stage", "country_iso3"], "share")


def _beside(first: Any, second: Any, keys: list[str], unit: str) -> pd.DataFrame:
    both = pd.concat([first.rename(f"before_{unit}"), second.rename(f"after_{unit}")], axis=1).fillna(0.0)
    both[f"difference_{unit}"] = both[f"after_{unit}"] - both[f"before_{unit}"]
    both.index = both.index.rename(keys if len(keys) > 1 else keys[0])
    return pd.DataFrame(both.sort_index().reset_index())
