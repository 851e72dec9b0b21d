"""Capacity, stages' outlets and lanes in the nominal plan; what survives of them in shocks."""

from __future__ import annotations

import pandas as pd

from optimizer.audit.ledger import Ledger
from optimizer.audit.view import NOMINAL, WHEN, View


def check_operations(view: View, ledger: Ledger) -> None:
    """Everything a plant, a lane or an outlet can carry."""
    _check_capacity(view, ledger)
    _check_classes(view, ledger)
    _check_lanes(view, ledger)
    _check_outlets(view, ledger)
    _check_shadow_limit(view, ledger)
    _check_lane_shares(view, ledger)


def _check_capacity(view: View, ledger: Ledger) -> None:
    """Use of capacity within what is open to the buyer and sponsored, in each layer; entitlements serve once."""
    case = view.case
    recipes = case.tables["recipes"][["recipe", "facility", "capacity_use", "layers"]]
    run = view.results["throughput"].drop(columns="facility").merge(recipes, on="recipe")
    allowed = [layer in str(layers).split(";") for layer, layers in zip(run["layer"], run["layers"], strict=True)]
    ledger.forbid("recipe_layer", run.loc[[not ok for ok in allowed], [*WHEN, "recipe", "layer"]])
    run["used_t"] = run["capacity_use"] * run["throughput_t"]
    used = run.groupby([*WHEN, "facility", "layer"], as_index=False)[["used_t"]].sum()
    used = used.merge(case.tables["capacities"], on=["facility", "year"], how="left")
    used = used.merge(view.entitlements, on=["facility", "year"], how="left")
    used = used.fillna({"open_sale_t": 0.0, "open_toll_t": 0.0, "entitlement_t": 0.0})
    used["factor"] = state_factor(view, used)
    own = used["open_sale_t"].where(used["layer"] == "supplier", used["open_toll_t"])
    room = used["factor"] * (own + used["entitlement_t"])
    nominal = used["shock"] == NOMINAL
    shown = [*WHEN, "facility", "layer", "used_t"]
    for name, rows in (("capacity", nominal), ("shock_capacity", ~nominal)):
        ledger.note(name, used.loc[rows, shown], (used["used_t"] - room)[rows], room[rows])
    both = used[nominal & (used["entitlement_t"] > 0)]
    key = [*WHEN, "facility", "open_sale_t", "open_toll_t", "entitlement_t"]
    both = both.groupby(key, as_index=False)[["used_t"]].sum()
    room = both["open_sale_t"] + both["open_toll_t"] + both["entitlement_t"]
    ledger.note("entitlement_once", both, both["used_t"] - room, room)


def state_factor(view: View, frame: pd.DataFrame) -> pd.Series:
    """Surviving share x length of the state, in years, aligned with ``frame``."""
    shares = view.case.facility_shares
    rows = frame[["shock", "period", "facility"]].merge(shares, on=["shock", "facility", "period"], how="left")
    lengths = view.case.states.drop_duplicates(["shock", "period"])[["shock", "period", "share_of_year"]]
    rows = rows.merge(lengths, on=["shock", "period"], how="left")
    return pd.Series((rows["open_share"].fillna(1.0) * rows["share_of_year"]).to_numpy(), index=frame.index)


def _check_classes(view: View, ledger: Ledger) -> None:
    """Material keeps the marks of every facility it passes; it may only be counted as more marked, never as less.

    Where a mark is waived for a product's use at a place, it may be left off there.
    """
    bits = view.case.map("facilities", "facility", "origin_bits")
    run = view.results["throughput"]
    run = run[run["origin_class"] >= 0]
    own = run["facility"].map(bits).fillna(0).astype(int)
    lost = (own & ~run["origin_class"].astype(int)) != 0
    ledger.forbid("origin_marks", run.loc[lost, [*WHEN, "recipe", "origin_class"]])
    raised = view.results["reclassified"]
    place = ["layer", "place", "product"]
    waived = view.case.tables.get("waived", pd.DataFrame(columns=[*place, "waived_bits"]).astype(object))
    found = raised.merge(waived, on=place, how="left").set_index(raised.index)
    waived_here = found["waived_bits"].fillna(0).astype(int)
    kept = raised["from_class"].astype(int).to_numpy() & ~waived_here.to_numpy()
    gone = (kept & ~raised["to_class"].astype(int).to_numpy()) != 0
    ledger.forbid("reclassification", raised.loc[gone])


def _check_lanes(view: View, ledger: Ledger) -> None:
    """Lanes carry only what may use them: their classes, years with a licence, and the licensed part of volumes."""
    case = view.case
    flows = view.results["flows"]
    known = case.tables["lane_classes"].assign(known=True)
    rows = flows[flows["origin_class"] >= 0].merge(known, on=["lane", "origin_class"], how="left")
    ledger.forbid("lane_classes", rows.loc[rows["known"].isna(), [*WHEN, "lane", "origin_class"]])
    licensed = flows.merge(case.tables["lane_years"], on=["lane", "year"], how="left")
    refused = licensed[licensed["approval_share"].fillna(1.0) <= 0]
    ledger.note("licence", refused[[*WHEN, "lane"]], refused["flow_t"])
    _check_partial_licences(view, ledger, licensed)


def _check_partial_licences(view: View, ledger: Ledger, licensed: pd.DataFrame) -> None:
    """Where part of the applications is granted, at most that part of the volume under contract moves."""
    case = view.case
    partial = licensed[(licensed["approval_share"] > 0) & (licensed["approval_share"] < 1)]
    partial = partial[(partial["shock"] == NOMINAL) & (partial["layer"] == "buyer")]
    if not case.is_on("limits_intermediates"):
        partial = partial[partial["to_facility"].isin(case.tables["markets"]["market"])]
    key = ["from_facility", "product", "to_facility", "year"]
    moved = partial.groupby(key, as_index=False).agg({"flow_t": "sum", "approval_share": "max"})
    offers = case.tables["offers"].query("kind == 'sale'")[["offer", "facility", "product"]]
    volumes = view.results["commitments"].merge(offers, on="offer")
    volumes = volumes.rename(columns={"facility": "from_facility"})
    volumes = volumes.groupby(["from_facility", "product", "year"], as_index=False)[["committed_t"]].sum()
    sellers = offers.rename(columns={"facility": "from_facility"})[["from_facility", "product"]].drop_duplicates()
    moved = moved.merge(sellers, on=["from_facility", "product"])
    moved = moved.merge(volumes, on=["from_facility", "product", "year"], how="left").fillna({"committed_t": 0.0})
    room = moved["approval_share"] * moved["committed_t"]
    ledger.note("licensed_volume", moved[[*key, "flow_t"]], moved["flow_t"] - room, room)


def _check_outlets(view: View, ledger: Ledger) -> None:
    """Co-products only are surplus; by-products are sold up to what the market takes."""
    case = view.case
    outputs = case.tables["recipe_flows"].query("direction == 'output'")
    joint = outputs.groupby("recipe")["product"].transform("size") > 1
    made = outputs[joint].merge(case.tables["recipes"][["recipe", "facility"]], on="recipe")
    pairs = made[["facility", "product"]].drop_duplicates().rename(columns={"facility": "place"}).assign(joint=True)
    rows = view.results["outlets"]
    surplus = rows[rows["outlet"] == "surplus"].merge(pairs, on=["place", "product"], how="left")
    wrong = surplus["joint"].isna() | (surplus["layer"] != "supplier")
    ledger.note(
        "surplus_of_coproducts", surplus.loc[wrong, [*WHEN, "place", "product"]], surplus.loc[wrong, "amount_t"]
    )
    owned = rows[(rows["outlet"] != "surplus") & (rows["layer"] != "buyer")]
    ledger.forbid("outlets_of_owned", owned[[*WHEN, "place", "product"]])
    sold = rows[rows["outlet"] == "sold"]
    ledger.forbid("sold_nominal_only", sold.loc[sold["shock"] != NOMINAL, [*WHEN, "place", "product"]])
    sums = sold.groupby(["year", "product"], as_index=False)[["amount_t"]].sum()
    sums = sums.merge(case.tables["byproducts"], on="product", how="left").fillna({"max_sale_t_per_year": 0.0})
    excess = sums["amount_t"] - sums["max_sale_t_per_year"]
    ledger.note("byproduct_sales_limit", sums[["year", "product", "amount_t"]], excess, sums["max_sale_t_per_year"])


def _shadow(view: View) -> pd.DataFrame:
    flows = view.results["flows"].query("layer == 'supplier'").rename(columns={"from_facility": "facility"})
    return flows.groupby([*WHEN, "facility", "product"], as_index=False)[["flow_t"]].sum()


def _check_shadow_limit(view: View, ledger: Ledger) -> None:
    """Behind priced sales a plant ships, in a shock, what survives of normal traffic with surge, standby and spot."""
    case, sums = view.case, _shadow(view)
    nominal = sums[sums["shock"] == NOMINAL].rename(columns={"flow_t": "normal_t"})
    rows = sums[sums["shock"] != NOMINAL].reset_index(drop=True)
    rows = rows.merge(
        nominal[["year", "facility", "product", "normal_t"]], on=["year", "facility", "product"], how="left"
    )
    rows = rows.merge(case.tables["upstream_spot"], on=["facility", "product", "year"], how="left")
    ready = view.results["standby"].query("kind == 'lane'").rename(columns={"item": "lane"})
    ready = ready.merge(case.tables["lanes"][["lane", "product"]], on="lane")
    ready = ready.groupby(["facility", "product", "year"], as_index=False)[["standby_t"]].sum()
    rows = rows.merge(ready, on=["facility", "product", "year"], how="left")
    rows = rows.fillna({"normal_t": 0.0, "spot_t": 0.0, "standby_t": 0.0})
    room = (1.0 + case.number("surge_share")) * rows["normal_t"] + rows["standby_t"] + rows["spot_t"]
    room = room * state_factor(view, rows)
    ledger.note("shock_delivery", rows[[*WHEN, "facility", "product", "flow_t"]], rows["flow_t"] - room, room)


def _check_lane_shares(view: View, ledger: Ledger) -> None:
    """A lane cut by a shock carries its share of normal traffic plus surge; nothing if it is closed."""
    case = view.case
    cut = case.tables["lane_shares"].merge(case.states, on=["shock", "period"])
    flows = view.results["flows"][["shock", "period", "year", "lane", "origin_class", "flow_t"]]
    moved = cut.merge(flows[flows["shock"] != NOMINAL].drop(columns="year"), on=["shock", "period", "lane"])
    normal = cut.merge(flows[flows["shock"] == NOMINAL].drop(columns=["shock", "period"]), on=["lane", "year"])
    key = ["shock", "lane", "period", "origin_bit"]
    rows = _marked(moved, "moved_t", key).merge(_marked(normal, "normal_t", key), on=key, how="left")
    rows = rows.merge(cut[[*key, "open_share", "share_of_year"]], on=key).fillna({"normal_t": 0.0})
    room = rows["open_share"] * rows["share_of_year"] * (1.0 + case.number("surge_share")) * rows["normal_t"]
    ledger.note("shock_lanes", rows[[*key, "moved_t"]], rows["moved_t"] - room, room)


def _marked(frame: pd.DataFrame, column: str, key: list[str]) -> pd.DataFrame:
    """Sum of flows that carry the bit (all if the bit is 0)."""
    bit = frame["origin_bit"].astype(int)
    hit = frame[(bit == 0) | ((frame["origin_class"].astype(int) & bit) != 0)]
    return hit.groupby(key, as_index=False)[["flow_t"]].sum().rename(columns={"flow_t": column})
