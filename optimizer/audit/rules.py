"""Rules of states and permits: refusals that reach abroad, the time to a licence, closed activities, construction."""

from __future__ import annotations

import pandas as pd

from optimizer.audit.ledger import SHARE, Ledger, members
from optimizer.audit.view import WHEN, View, column_of

DAYS_PER_YEAR = 365.0


def check_rules(view: View, ledger: Ledger) -> None:
    """Every rule that a state or a permit sets, from lanes, recipes and projects alone."""
    _check_reexport(view, ledger)
    _check_closures(view, ledger)
    _check_builds(view, ledger)
    _check_shadow_licences(view, ledger)
    mode = view.case.settings.get("licence_time", "ignored")
    licensed = _licensed(view) if mode != "ignored" else _licensed(view).head(0)
    stored = view.case.tables["storages"][["place", "product"]].drop_duplicates().assign(stored=True)
    licensed = licensed.merge(stored, left_on=["to_place", "product"], right_on=["place", "product"], how="left")
    covered = licensed["stored"].notna() & (mode == "stock")
    _check_cover(view, ledger, licensed[covered])
    _check_delay(view, ledger, licensed[~covered])


def _check_reexport(view: View, ledger: Ledger) -> None:
    """No lane carries material that the state it came from would refuse to send to the lane's end."""
    years = view.case.tables["lane_years"]
    bars = years[["lane", "year"]].assign(bits=column_of(years, "barred_bits", 0).astype(int)).query("bits != 0")
    rows = view.results["flows"].merge(bars, on=["lane", "year"])
    rows = rows[(rows["origin_class"].astype(int) & rows["bits"]) != 0]
    ledger.note("reexport", rows[[*WHEN, "lane", "origin_class", "flow_t"]], rows["flow_t"])


def _check_closures(view: View, ledger: Ledger) -> None:
    """Nothing is converted in a year in which a rule closes the activity, in the plan and in shocks."""
    closed = view.case.tables.get("recipe_closures", pd.DataFrame({"recipe": [], "year": []}))
    closed = closed.astype({"recipe": object, "year": "int64"})
    rows = view.results["throughput"].merge(closed, on=["recipe", "year"])
    ledger.note("closed_activities", rows[[*WHEN, "recipe", "throughput_t"]], rows["throughput_t"])


def _check_builds(view: View, ledger: Ledger) -> None:
    """No more projects of a region are under construction in a year than its limit says."""
    case = view.case
    limits = case.tables.get("build_limits", pd.DataFrame())
    started = view.results["portfolio"].query("kind == 'project'")[["offer", "start_year"]]
    spans = case.map("projects", "project", "build_years") if len(limits) else {}
    ledger.note("simultaneous_builds", pd.DataFrame(), pd.Series(dtype=float), tolerance=SHARE)
    for limit in limits.to_dict("records"):
        named = started[started["offer"].isin(members(limit["projects"]))]
        last = named["start_year"] + named["offer"].map(spans).astype(float).clip(lower=1.0)
        counts = [int(((named["start_year"] <= year) & (year < last)).sum()) for year in case.years]
        rows = pd.DataFrame({"limit": limit["name"], "year": case.years, "projects": counts})
        ledger.note("simultaneous_builds", rows, rows["projects"] - float(limit["max_projects"]), tolerance=SHARE)


def _check_shadow_licences(view: View, ledger: Ledger) -> None:
    """Behind priced sales, at most the licensed part of what a plant could sell moves to a plant abroad."""
    case = view.case
    flows = view.nominal("flows").query("layer == 'supplier'")
    ready = view.results["standby"].query("kind == 'lane'").rename(columns={"item": "lane", "standby_t": "flow_t"})
    ends = flows.columns.intersection(["from_facility", "to_facility", "product"]).tolist()
    lanes = case.tables["lanes"].rename(columns={"from_place": "from_facility", "to_place": "to_facility"})
    ready = ready[["lane", "year", "flow_t"]].merge(lanes[["lane", *ends]], on="lane")
    flows = pd.concat([flows[["lane", "year", *ends, "flow_t"]], ready], ignore_index=True)
    rows = flows.merge(case.tables["lane_years"][["lane", "year", "approval_share"]], on=["lane", "year"])
    rows = rows[(rows["approval_share"] > 0) & (rows["approval_share"] < 1)]
    rows = rows if case.is_on("limits_intermediates") else rows.head(0)
    key = ["from_facility", "product", "to_facility", "year"]
    rows = rows.groupby(key, as_index=False).agg({"flow_t": "sum", "approval_share": "max"})
    uses = case.made.query("t_per_t > 0").merge(case.tables["recipes"][["recipe", "facility", "capacity_use"]])
    uses = uses.assign(use=uses["capacity_use"] / uses["t_per_t"]).rename(columns={"facility": "from_facility"})
    least = uses.groupby(["from_facility", "product", "year"], as_index=False)[["use"]].min()
    opened = case.tables["capacities"][["facility", "year", "open_sale_t"]]
    opened = opened.merge(view.entitlements, on=["facility", "year"], how="left").fillna({"entitlement_t": 0.0})
    opened = opened.rename(columns={"facility": "from_facility"})
    rows = rows.merge(least, on=["from_facility", "product", "year"]).merge(opened, on=["from_facility", "year"])
    room = rows["approval_share"] * (rows["open_sale_t"] + rows["entitlement_t"]) / rows["use"]
    ledger.note("shadow_licences", rows[[*key, "flow_t"]], rows["flow_t"] - room, room)


def _licensed(view: View) -> pd.DataFrame:
    """Owned flow of the plan to markets over lanes on which a licence takes time, by plant, product, market, year."""
    case = view.case
    lanes = case.tables["lanes"].query("layer == 'buyer'")[["lane", "from_place", "to_place", "product"]]
    lanes = lanes[lanes["to_place"].isin(case.tables["markets"]["market"])]
    years = case.tables["lane_years"]
    years = years.assign(days=column_of(years, "processing_days", 0.0).astype(float))
    rows = lanes.merge(years[years["days"] > 0], on="lane")
    flows = view.nominal("flows").groupby(["lane", "year"], as_index=False)[["flow_t"]].sum()
    rows = rows.merge(flows, on=["lane", "year"], how="left").fillna({"flow_t": 0.0})
    key = ["from_place", "product", "to_place", "year"]
    return rows.groupby(key, as_index=False).agg({"flow_t": "sum", "days": "max", "approval_share": "max"})


def _check_cover(view: View, ledger: Ledger, licensed: pd.DataFrame) -> None:
    """Closing stock of a market covers what comes under licence in the time the licence takes."""
    key = ["to_place", "product", "year"]
    rows = licensed.assign(needed_t=licensed["days"] / DAYS_PER_YEAR * licensed["flow_t"])
    rows = rows.groupby(key, as_index=False)[["needed_t"]].sum()
    held = view.nominal("stock").rename(columns={"place": "to_place"}).groupby(key, as_index=False)[["stock_t"]].sum()
    rows = rows.merge(held, on=key, how="left").fillna({"stock_t": 0.0})
    ledger.note("licence_cover", rows, rows["needed_t"] - rows["stock_t"], rows["needed_t"])


def _check_delay(view: View, ledger: Ledger, licensed: pd.DataFrame) -> None:
    """New volume arrives later by the time to its licence."""
    volumes = _reserved(view)
    rows = licensed.merge(volumes, on=["from_place", "product", "year"])
    wait = rows["days"] / DAYS_PER_YEAR
    room = rows["approval_share"] * rows["committed_t"] - wait * (rows["committed_t"] - rows["before_t"])
    shown = rows[["from_place", "product", "to_place", "year", "flow_t"]]
    ledger.note("licence_delay", shown, rows["flow_t"] - room, rows["committed_t"])


def _reserved(view: View) -> pd.DataFrame:
    """Volume under sale contracts by plant, product and year, and that of the year before (today's for the first)."""
    case = view.case
    offers = case.tables["offers"].query("kind == 'sale'")[["offer", "facility", "product"]]
    now = view.results["commitments"][["offer", "year", "committed_t"]]
    before = now.assign(year=now["year"] + 1).rename(columns={"committed_t": "before_t"})
    today = case.tables["offer_years"].query("year == @case.years[0]")
    today = today[["offer", "year", "running_t"]].rename(columns={"running_t": "before_t"})
    grid = offers.merge(pd.DataFrame({"year": case.years}), how="cross")
    grid = grid.merge(now, on=["offer", "year"], how="left")
    grid = grid.merge(pd.concat([before, today], ignore_index=True), on=["offer", "year"], how="left")
    grid = grid.fillna({"committed_t": 0.0, "before_t": 0.0}).rename(columns={"facility": "from_place"})
    return grid.groupby(["from_place", "product", "year"], as_index=False)[["committed_t", "before_t"]].sum()
