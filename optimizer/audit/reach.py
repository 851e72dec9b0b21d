"""Plants a shock does not touch: what they deliver stays within what is taken, their standby and owned chains."""

from __future__ import annotations

import pandas as pd

from optimizer.audit.ledger import Ledger
from optimizer.audit.standby import handed_over
from optimizer.audit.view import NOMINAL, WHEN, View, column_of

_PLANT = ["facility", "product", "year"]


def check_reach(view: View, ledger: Ledger) -> None:
    """Pools, sources of owned material, and whether the tables follow every plant that a shock cuts."""
    case, results = view.case, view.results
    cut = case.tables["facility_shares"][["shock", "facility"]].drop_duplicates()
    cut = cut.merge(pd.DataFrame({"layer": ["supplier", "buyer"]}), how="cross")
    rows = cut.merge(results["reached"].assign(follows=True), on=["shock", "layer", "facility"], how="left")
    ledger.forbid("cut_plants_are_followed", rows.loc[rows["follows"].isna(), ["shock", "layer", "facility"]])
    available = _available(view)
    _check_pools(view, ledger, available)
    _check_sources(view, ledger, available)
    _check_backing(view, ledger)
    _check_followed(view, ledger)


def _available(view: View) -> pd.DataFrame:
    """``facility, product, year, available_t`` per year without any cut."""
    case = view.case
    offers = case.tables["offers"]
    sales = handed_over(view).rename(columns={"amount_t": "available_t"})
    owned = view.nominal("throughput").query("layer == 'buyer'").merge(case.made, on=["recipe", "year"])
    surge = float(offers["surge_share"].min()) if len(offers) else 0.0
    owned["available_t"] = (1.0 + surge) * owned["t_per_t"] * owned["throughput_t"]
    parts = [part[[*_PLANT, "available_t"]] for part in (sales, owned) if len(part)]
    empty = pd.DataFrame(columns=[*_PLANT, "available_t"]).astype({"year": "int64", "available_t": float})
    frame = pd.concat(parts, ignore_index=True) if parts else empty
    return frame.groupby(_PLANT, as_index=False)[["available_t"]].sum()


def _check_pools(view: View, ledger: Ledger, available: pd.DataFrame) -> None:
    supply, pools = view.results["supply"], view.results["pools"]
    supplied = supply.groupby([*WHEN, "pool"], as_index=False)[["supply_t"]].sum()
    room = supplied.merge(pools, on=["shock", "pool"]).merge(available, on=_PLANT)
    room = room.groupby([*WHEN, "pool"], as_index=False)[["available_t"]].sum()
    rows = supplied.merge(room, on=[*WHEN, "pool"], how="left").fillna({"available_t": 0.0})
    rows = rows.merge(view.case.states[[*WHEN, "share_of_year"]], on=WHEN)
    limit = rows["available_t"] * rows["share_of_year"]
    ledger.note("shock_pools", rows[[*WHEN, "pool", "supply_t"]], rows["supply_t"] - limit, limit)
    _check_pool_ways(view, ledger, available)
    lanes = view.case.tables["lanes"].query("layer == 'buyer'")
    lanes = lanes.rename(columns={"from_place": "facility", "to_place": "market"})
    used = supply[["shock", "pool", "market"]].drop_duplicates().merge(pools, on=["shock", "pool"], how="left")
    ends = ["facility", "market", "product"]
    used = used.merge(lanes[ends].drop_duplicates().assign(exists=True), on=ends, how="left")
    ledger.forbid("pool_lanes", used.loc[used["exists"].isna(), ["shock", "pool", *ends]])
    touched = view.results["reached"].query("layer == 'buyer'").assign(touched=True)
    twice = pools.merge(touched[["shock", "facility", "touched"]], on=["shock", "facility"])
    ledger.forbid("pools_are_untouched", twice[["shock", "pool", "facility"]])


def _check_followed(view: View, ledger: Ledger) -> None:
    """In shocks, rows tell of plants that the tables follow, and of lanes into them or from them to a market.

    No balance holds at another plant, so that a row of one would be believed whatever it says.
    """
    case, key = view.case, ["shock", "layer", "facility"]
    followed = pd.MultiIndex.from_frame(view.results["reached"][key])
    offers = case.map("offers", "offer", "facility") | case.map("qualifications", "qualification", "facility")
    sold = view.shocked("deliveries")
    parts = {
        "deliveries": sold.assign(layer="buyer", facility=sold["offer"].map(offers)),
        "throughput": view.shocked("throughput"),
        "outlets": view.shocked("outlets").rename(columns={"place": "facility"}),
        "reclassified": view.shocked("reclassified").rename(columns={"place": "facility"}),
    }
    for name, rows in parts.items():
        inside = pd.MultiIndex.from_frame(rows[key]).isin(followed)
        ledger.forbid("shock_rows_are_followed", rows.loc[~inside, key].assign(table=name))
    flows = view.shocked("flows")
    into, out = (
        pd.MultiIndex.from_frame(flows[["shock", "layer", end]]).isin(followed)
        for end in ("to_facility", "from_facility")
    )
    ends = out & flows["to_facility"].isin(case.tables["markets"]["market"])
    strange = flows.loc[~(into | ends), ["shock", "layer", "lane"]]
    ledger.forbid("shock_rows_are_followed", strange.assign(table="flows"))


def _check_pool_ways(view: View, ledger: Ledger, available: pd.DataFrame) -> None:
    """A pool sends its product, of a class its plants have, over lanes that are open in the year to that class."""
    case = view.case
    pools = view.results["pools"].rename(columns={"product": "sent"})
    supply = view.results["supply"].merge(pools, on=["shock", "pool"])
    ledger.forbid("pool_products", supply.loc[supply["product"] != supply["sent"], [*WHEN, "pool", "product"]])
    ends = ["facility", "product", "origin_class"]
    known = case.tables["place_classes"].query("layer == 'buyer'").rename(columns={"place": "facility"})
    rows = supply[supply["origin_class"] >= 0].merge(known[ends].assign(known=True), on=ends, how="left")
    ledger.forbid("pool_classes", rows.loc[rows["known"].isna(), [*WHEN, "pool", "facility", "origin_class"]])
    years = case.tables["lane_years"]
    years = years.assign(bits=column_of(years, "barred_bits", 0).astype(int)).query("approval_share > 0")
    lanes = case.tables["lanes"].rename(columns={"from_place": "facility", "to_place": "market"})
    ways = lanes[lanes["layer"] == "buyer"].merge(years[["lane", "year", "bits"]], on="lane")
    rows = supply.merge(
        ways[["facility", "market", "product", "year", "bits"]], on=["facility", "market", "product", "year"]
    )
    rows = rows[(rows["origin_class"] < 0) | ((rows["origin_class"] & rows["bits"]) == 0)]
    rows = rows.drop_duplicates([*WHEN, "pool", "market", "facility"]).merge(available, on=_PLANT)
    key = [*WHEN, "pool", "market"]
    room = rows.groupby(key, as_index=False)[["available_t"]].sum()
    rows = view.results["supply"].merge(room, on=key, how="left").fillna({"available_t": 0.0})
    rows = rows.merge(case.states[[*WHEN, "share_of_year"]], on=WHEN)
    limit = rows["available_t"] * rows["share_of_year"]
    ledger.note("pool_licences", rows[[*key, "supply_t"]], rows["supply_t"] - limit, limit)


def _check_sources(view: View, ledger: Ledger, available: pd.DataFrame) -> None:
    """Owned material from plants the tables do not follow."""
    flows = view.results["flows"]
    flows = flows[(flows["shock"] != NOMINAL) & (flows["layer"] == "buyer")]
    flows = flows.rename(columns={"from_facility": "facility"})
    followed = view.results["reached"].query("layer == 'buyer'")[["shock", "facility"]].assign(follows=True)
    rows = flows.merge(followed, on=["shock", "facility"], how="left")
    rows = rows[rows["follows"].isna()].groupby([*WHEN, "facility", "product"], as_index=False)[["flow_t"]].sum()
    rows = rows.merge(available, on=_PLANT, how="left").fillna({"available_t": 0.0})
    rows = rows.merge(view.case.states[[*WHEN, "share_of_year"]], on=WHEN)
    limit = rows["available_t"] * rows["share_of_year"]
    ledger.note("shock_sources", rows[[*WHEN, "facility", "product", "flow_t"]], rows["flow_t"] - limit, limit)


def _check_backing(view: View, ledger: Ledger) -> None:
    """Plants whose own suppliers the tables do not follow hand over what is taken and on standby, no more."""
    case, sold = view.case, view.shocked("deliveries")
    offers = case.tables["offers"][["offer", "facility", "product"]]
    spots = case.tables["qualifications"].rename(columns={"qualification": "offer"})[["offer", "facility", "product"]]
    rows = pd.concat(
        [sold[sold["kind"] == kind].merge(names, on="offer") for kind, names in (("sale", offers), ("spot", spots))],
        ignore_index=True,
    )
    behind = view.results["reached"].query("layer == 'supplier'")[["shock", "facility"]].assign(follows=True)
    rows = rows.merge(behind, on=["shock", "facility"], how="left")
    rows = rows[rows["follows"].isna()].groupby([*WHEN, "facility", "product"], as_index=False)[["delivered_t"]].sum()
    rows = rows.merge(handed_over(view), on=_PLANT, how="left").fillna({"amount_t": 0.0})
    rows = rows.merge(case.states[[*WHEN, "share_of_year"]], on=WHEN)
    limit = rows["amount_t"] * rows["share_of_year"]
    ledger.note("shock_standby", rows[[*WHEN, "facility", "product"]], rows["delivered_t"] - limit, limit)
