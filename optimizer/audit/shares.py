"""Output of stages by tracked mass, and how far some plants lie above their share of it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from optimizer.audit.ledger import members, years_of
from optimizer.audit.view import View


def stage_output(view: View) -> pd.DataFrame:
    """``year, facility, stage, country_iso3, mass_t``: output by tracked mass, both layers, less what is left over."""
    case = view.case
    outputs = case.made.merge(case.tables["products"][["product", "tracked_share"]], on="product")
    outputs["tracked"] = outputs["t_per_t"] * outputs["tracked_share"]
    per_t = outputs.groupby(["recipe", "year"], as_index=False)[["tracked"]].sum()
    run = view.nominal("throughput").merge(per_t, on=["recipe", "year"])
    run = run.merge(case.tables["facilities"][["facility", "stage", "country_iso3"]], on="facility")
    run["mass_t"] = run["tracked"] * run["throughput_t"]
    left = view.nominal("outlets").query("outlet == 'surplus'").rename(columns={"place": "facility"})
    left = left.merge(case.tables["products"][["product", "tracked_share"]], on="product")
    left = left.merge(case.tables["facilities"][["facility", "stage", "country_iso3"]], on="facility")
    left["mass_t"] = -left["tracked_share"] * left["amount_t"]
    columns = ["year", "facility", "stage", "country_iso3", "mass_t"]
    run = pd.concat([part[columns] for part in (run, left) if len(part)] or [run[columns]], ignore_index=True)
    return run.groupby(["year", "facility", "stage", "country_iso3"], as_index=False)[["mass_t"]].sum()


def above_cap(run: pd.DataFrame, cap: Mapping[Hashable, Any]) -> pd.DataFrame:
    """``year, total_t, named_t, above_t``: how far a stage's named plants lie above their share of its output."""
    at_stage = run[(run["stage"] == cap["stage"]) & run["year"].isin(years_of(cap["years"]))]
    total = at_stage.groupby("year")["mass_t"].sum()
    named = at_stage[at_stage["facility"].isin(members(cap["facilities"]))].groupby("year")["mass_t"].sum()
    rows = pd.DataFrame({"total_t": total, "named_t": named}).fillna(0.0).rename_axis("year").reset_index()
    return rows.assign(above_t=rows["named_t"] - float(cap["max_share"]) * rows["total_t"])
