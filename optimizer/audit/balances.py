"""Material: what comes to a place leaves it, in the nominal plan and in every shock; demand is met or counted."""

from __future__ import annotations

import pandas as pd

from optimizer.audit.ledger import Ledger
from optimizer.audit.view import NOMINAL, WHEN, View

_PLACE = ["layer", "place", "product", "origin_class"]
_ENTRY = [*WHEN, *_PLACE, "amount"]


def check_balances(view: View, ledger: Ledger) -> None:
    """Balances at facilities, use at markets, demand, and the classes of what moves."""
    sums = _net(view)
    markets = set(view.case.tables["markets"]["market"])
    at_market = sums["place"].isin(markets)
    inside = _followed(view, sums[~at_market])
    ledger.note("material_balance", inside, inside["amount"].abs(), inside["gross"])
    _check_demand(view, ledger, sums[at_market])
    _check_stock_opening(view, ledger)


def _followed(view: View, sums: pd.DataFrame) -> pd.DataFrame:
    """In shocks, plants that the tables follow; the others go on as planned (checked as pools and sources)."""
    reached = view.results["reached"].rename(columns={"facility": "place"})[["shock", "layer", "place"]]
    rows = sums.merge(reached.assign(follows=True), on=["shock", "layer", "place"], how="left")
    return rows[(rows["shock"] == NOMINAL) | rows["follows"].notna()].drop(columns="follows")


def _entries(view: View) -> list[pd.DataFrame]:
    """Every movement as a signed amount at one place."""
    case, results = view.case, view.results
    lanes = case.tables["lanes"][["lane", "layer", "from_place", "to_place", "product"]]
    flows = results["flows"][[*WHEN, "lane", "origin_class", "flow_t"]].merge(lanes, on="lane")
    used = case.tables["recipe_flows"].query("direction == 'input'")[["recipe", "product", "t_per_t"]]
    places = case.tables["recipes"][["recipe", "facility"]]
    run = results["throughput"][[*WHEN, "recipe", "layer", "origin_class", "throughput_t"]].merge(places, on="recipe")
    taken, made = run.merge(used, on="recipe"), run.merge(case.made, on=["recipe", "year"])
    raised = results["reclassified"]
    return [
        _entry(flows, "to_place", flows["flow_t"]),
        _entry(flows, "from_place", -flows["flow_t"]),
        _entry(taken, "facility", -taken["t_per_t"] * taken["throughput_t"]),
        _entry(made, "facility", made["t_per_t"] * made["throughput_t"]),
        *_handed_over(view),
        _entry(results["supply"].assign(layer="buyer"), "market", results["supply"]["supply_t"]),
        _entry(results["outlets"], "place", -results["outlets"]["amount_t"]),
        _entry(raised.rename(columns={"from_class": "origin_class"}), "place", -raised["amount_t"]),
        _entry(raised.rename(columns={"to_class": "origin_class"}), "place", raised["amount_t"]),
        _entry(results["stock"].assign(layer="buyer"), "place", -results["stock"]["stock_t"]),
        _entry(opening_stock(view).assign(layer="buyer"), "place", opening_stock(view)["stock_t"]),
    ]


def _entry(frame: pd.DataFrame, place: str, amount: pd.Series) -> pd.DataFrame:
    entry = frame.assign(amount=amount.astype(float))
    if place != "place":
        entry = entry.assign(place=entry[place])
    return entry[_ENTRY]


def _handed_over(view: View) -> list[pd.DataFrame]:
    """Deliveries leave the supplier's layer and enter the buyer's at the same place."""
    case, deliveries = view.case, view.results["deliveries"]
    offers = case.tables["offers"][["offer", "facility", "product"]]
    spots = case.tables["qualifications"].rename(columns={"qualification": "offer"})[["offer", "facility", "product"]]
    parts = []
    for kind, source in (("sale", offers), ("spot", spots)):
        rows = deliveries[deliveries["kind"] == kind].merge(source, on="offer")
        for layer, sign in (("supplier", -1.0), ("buyer", 1.0)):
            parts.append(_entry(rows.assign(layer=layer), "facility", sign * rows["delivered_t"]))
    return parts


def opening_stock(view: View) -> pd.DataFrame:
    """Stock in hand at the start of every year and period, in column ``stock_t``.

    A shock opens with the nominal plan's stock at the end of the year before (non-anticipativity), or with what is in
    hand today in the first year.
    """
    case = view.case
    columns = [*WHEN, "place", "product", "origin_class", "stock_t"]
    today = case.tables["opening_stock"].rename(columns={"opening_t": "stock_t"})
    nominal = view.nominal("stock")[["year", "place", "product", "origin_class", "stock_t"]]
    nominal = nominal.assign(year=nominal["year"] + 1)
    yearly = pd.concat([today.assign(year=case.years[0]), nominal], ignore_index=True)
    states = case.states
    first = states[(states["shock"] != NOMINAL) & (states["order"] == 0)].drop(columns="year")
    starts = case.tables["shocks"][["shock", "start_year"]].rename(columns={"start_year": "year"})
    begun = first.merge(starts, on="shock").merge(yearly, on="year")
    begun = begun.drop(columns="year").merge(states[WHEN], on=["shock", "period"])
    carried = (
        view.shocked("stock").drop(columns="year").merge(states[["shock", "period", "order"]], on=["shock", "period"])
    )
    carried = carried.assign(order=carried["order"] + 1).drop(columns="period")
    carried = carried.merge(states[[*WHEN, "order"]], on=["shock", "order"])
    plan = yearly[yearly["year"] <= case.years[-1]].assign(shock=NOMINAL, period=0)
    parts = [part[columns] for part in (plan, begun, carried) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else plan[columns]


def _net(view: View) -> pd.DataFrame:
    entries = pd.concat(
        [entry for entry in _entries(view) if len(entry)] or [pd.DataFrame(columns=_ENTRY)], ignore_index=True
    )
    merged = entries["shock"].isin(view.case.unclassed)
    entries["origin_class"] = entries["origin_class"].where(~merged, -1).astype("int64")
    entries = entries.astype({"amount": float}).assign(gross=lambda frame: frame["amount"].abs())
    return entries.groupby([*WHEN, *_PLACE], as_index=False)[["amount", "gross"]].sum()


def _check_demand(view: View, ledger: Ledger, used: pd.DataFrame) -> None:
    """What a market uses is no less than nothing, of allowed classes, and meets its demand with the shortfall."""
    case = view.case
    used = used.rename(columns={"place": "market"})
    ledger.note("market_use", used, -used["amount"], used["gross"])
    accepted = used.merge(case.tables["market_products"], on=["market", "product"], how="left")
    unknown = accepted[accepted["use_kg_per_kg"].isna()]
    ledger.note("market_products", unknown[[*WHEN, "market", "product"]], unknown["gross"])
    demand = case.tables["demand"]
    barred = used.merge(demand[["market", "year", "forbidden_bits"]], on=["market", "year"])
    barred = barred[barred["origin_class"] >= 0]
    barred = barred[(barred["origin_class"].astype(int) & barred["forbidden_bits"].astype(int)) != 0]
    ledger.note("market_origin", barred, barred["amount"].abs(), barred["gross"])
    met = accepted.assign(met_t=accepted["amount"] / accepted["use_kg_per_kg"])
    met = met.groupby([*WHEN, "market"], as_index=False)[["met_t"]].sum()
    cells = case.states.merge(demand[["market", "year", "demand_t"]], on="year")
    short = view.results["shortfalls"][["shock", "period", "year", "market", "shortfall_t"]]
    cells = cells.merge(met, on=[*WHEN, "market"], how="left").merge(short, on=[*WHEN, "market"], how="left")
    cells = cells.fillna({"met_t": 0.0, "shortfall_t": 0.0})
    wanted = cells["demand_t"] * cells["share_of_year"]
    gap = cells["met_t"] + cells["shortfall_t"] - wanted
    ledger.note("demand_balance", cells[[*WHEN, "market", "demand_t", "met_t", "shortfall_t"]], gap.abs(), wanted)
    ledger.note("shortfall_limit", cells[[*WHEN, "market", "shortfall_t"]], cells["shortfall_t"] - wanted, wanted)
    if not case.is_on("is_shortfall_allowed"):
        nominal = cells[cells["shock"] == NOMINAL]
        ledger.note("shortfall_allowed", nominal[[*WHEN, "market", "shortfall_t"]], nominal["shortfall_t"])


def _check_stock_opening(view: View, ledger: Ledger) -> None:
    """Stock is held only where the case allows it, between its limits; the horizon closes with what it opened."""
    case = view.case
    limits = case.tables["storages"]
    held = view.results["stock"].groupby([*WHEN, "place", "product"], as_index=False)[["stock_t"]].sum()
    rows = held.merge(limits, on=["place", "product"], how="left").fillna({"max_t": 0.0})
    shown = rows[[*WHEN, "place", "product", "stock_t"]]
    over, is_plan = rows["stock_t"] - rows["max_t"], rows["shock"] == NOMINAL
    for name, part in (("stock_limit", is_plan), ("shock_stock_limit", ~is_plan)):
        ledger.note(name, shown[part], over[part], rows.loc[part, "max_t"])
    least = limits.merge(pd.DataFrame({"year": case.years}), how="cross")
    opening = case.tables["opening_stock"].groupby(["place", "product"], as_index=False)[["opening_t"]].sum()
    least = least.merge(opening, on=["place", "product"], how="left").fillna({"opening_t": 0.0})
    if case.is_on("closes_at_opening"):
        closing = (least["year"] == case.years[-1]).astype(float) * least["opening_t"]
        least["min_t"] = least["min_t"].clip(lower=closing)
    nominal = held[held["shock"] == NOMINAL]
    least = least.merge(nominal[["year", "place", "product", "stock_t"]], on=["year", "place", "product"], how="left")
    missing = least["min_t"] - least["stock_t"].fillna(0.0)
    ledger.note("stock_floor", least[["year", "place", "product", "stock_t"]], missing, least["min_t"])
