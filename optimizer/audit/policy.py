"""Limits a case sets on the nominal plan: shares, supplier numbers, environment, budgets; and the tables on them."""

from __future__ import annotations

import pandas as pd

from optimizer.audit.costs import spending_of
from optimizer.audit.ledger import SHARE, Ledger, members, years_of
from optimizer.audit.shares import above_cap, stage_output
from optimizer.audit.view import View


def check_policy(view: View, ledger: Ledger) -> None:
    """Share caps, supplier counts, environmental caps, budgets, and the shares and environment tables."""
    run = stage_output(view)
    _check_share_caps(view, ledger, run)
    _check_supplier_counts(view, ledger)
    _check_environment(view, ledger)
    _check_budgets(view, ledger)
    _check_shares_table(view, ledger, run)


def _check_budgets(view: View, ledger: Ledger) -> None:
    """Spending in money of the year, residual values left out."""
    budgets = view.case.tables["budgets"]
    spending = spending_of(view) if len(budgets) else pd.DataFrame()
    for row in budgets.to_dict("records"):
        terms, years = members(row["terms"]), years_of(row["years"])
        hit = spending[spending["year"].isin(years) & (spending["term"].isin(terms) | (not terms))]
        frame = pd.DataFrame({"limit": [row["name"]], "spent_musd": [hit["spent_musd"].sum()]})
        ledger.note("budget", frame, frame["spent_musd"] - row["max_musd"], abs(row["max_musd"]))


def _check_share_caps(view: View, ledger: Ledger, run: pd.DataFrame) -> None:
    """Strict caps hold; what lies above a benchmark is only paid for (see costs)."""
    for cap in view.case.tables["share_caps"].to_dict("records"):
        if pd.isna(cap.get("penalty_usd_per_kg")):
            rows = above_cap(run, cap)
            ledger.note("share_cap", rows.assign(limit=cap["name"]), rows["above_t"], rows["total_t"])


def _check_supplier_counts(view: View, ledger: Ledger) -> None:
    """A facility is a supplier in a year if a contract, new or running, is in force."""
    case = view.case
    running = case.tables["offer_years"].query("running_t > 0")[["offer", "year"]]
    pairs = pd.concat([view.active[["offer", "year"]], running], ignore_index=True)
    used = pairs.merge(case.tables["offers"][["offer", "facility"]], on="offer")[["facility", "year"]].drop_duplicates()
    for limit in case.tables["supplier_counts"].to_dict("records"):
        named = used[used["facility"].isin(members(limit["facilities"]))]
        counts = named.groupby("year").size()
        rows = pd.DataFrame({"limit": limit["name"], "year": years_of(limit["years"])})
        rows["suppliers"] = rows["year"].map(counts.to_dict()).fillna(0.0)
        for name, bound, sign in (
            ("supplier_minimum", limit["min_count"], -1),
            ("supplier_maximum", limit["max_count"], 1),
        ):
            if pd.notna(bound) and bound != "":
                ledger.note(name, rows, sign * (rows["suppliers"] - float(bound)), tolerance=SHARE)


def _loads(view: View) -> pd.DataFrame:
    run = view.nominal("throughput").merge(view.case.tables["footprints"], on="recipe")
    run["load"] = run["value_per_t"] * run["throughput_t"]
    return run.groupby(["indicator", "facility", "year"], as_index=False)[["load"]].sum()


def _check_environment(view: View, ledger: Ledger) -> None:
    """Loads under their caps, and the environment table as recomputed."""
    loads = _loads(view)
    for cap in view.case.tables["environment_caps"].to_dict("records"):
        hit = loads[(loads["indicator"] == cap["indicator"]) & loads["year"].isin(years_of(cap["years"]))]
        value = hit.loc[hit["facility"].isin(members(cap["facilities"])), "load"].sum()
        frame = pd.DataFrame({"limit": [cap["name"]], "value": [value]})
        most = float(cap["max_value"])
        if str(cap.get("is_per_kg")).lower() in ("true", "1"):
            most *= 1000.0 * _met(view, years_of(cap["years"]))
        ledger.note("environment_cap", frame, frame["value"] - most, abs(most), tolerance=1e-3)
    sums = loads.groupby(["indicator", "facility"], as_index=False)[["load"]].sum()
    told = view.results["environment"].merge(sums, on=["indicator", "facility"], how="outer")
    told = told.fillna({"value": 0.0, "load": 0.0})
    off = (told["value"] - told["load"]).abs()
    ledger.note("environment_table", told[["indicator", "facility", "value", "load"]], off, told["load"], 1e-3)


def _met(view: View, years: list[int]) -> float:
    """Demand met in the plan in some years, t."""
    demand, short = view.case.tables["demand"], view.nominal("shortfalls")
    wanted = demand.loc[demand["year"].isin(years), "demand_t"].sum()
    return float(wanted - short.loc[short["year"].isin(years), "shortfall_t"].sum())


def _check_shares_table(view: View, ledger: Ledger, run: pd.DataFrame) -> None:
    sums = run.groupby(["stage", "country_iso3"], as_index=False)[["mass_t"]].sum()
    totals = sums.groupby("stage")["mass_t"].transform("sum")
    sums["expected"] = (sums["mass_t"] / totals.where(totals > 0)).fillna(0.0)
    told = view.results["shares"].merge(sums, on=["stage", "country_iso3"], how="outer")
    told = told.fillna({"flow_share": 0.0, "expected": 0.0})
    off = (told["flow_share"] - told["expected"]).abs()
    ledger.note("shares_table", told[["stage", "country_iso3", "flow_share", "expected"]], off, tolerance=SHARE)
