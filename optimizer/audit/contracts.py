"""Contracts: windows, terms, take-or-pay, qualification, sponsorship, and what a shock may call under them."""

from __future__ import annotations

import pandas as pd

from optimizer.audit.ledger import SHARE, Ledger
from optimizer.audit.operations import state_factor
from optimizer.audit.view import NOMINAL, WHEN, View


def check_contracts(view: View, ledger: Ledger) -> None:
    """Everything agreed with suppliers, and what a shock may call under it."""
    _check_starts(view, ledger)
    rows = _volumes(view)
    _check_window(ledger, rows)
    _check_take_or_pay(ledger, rows)
    _check_reserved_capacity(view, ledger, rows)
    _check_qualification(view, ledger)
    _check_recourse_sales(view, ledger)
    _check_recourse_tolls(view, ledger)
    _check_spot(view, ledger)


def _check_starts(view: View, ledger: Ledger) -> None:
    """Contracts, qualifications and projects start only in years in which they may; terms do not overlap."""
    case, portfolio = view.case, view.results["portfolio"]
    kinds = {
        "contract_start": (["sale", "toll"], "offer_years", "offer"),
        "qualification_start": (["qualification"], "qualification_years", "qualification"),
        "sponsorship_start": (["project"], "project_years", "project"),
    }
    for name, (kind, table, key) in kinds.items():
        allowed = case.tables[table].rename(columns={key: "offer", "year": "start_year"})
        rows = portfolio[portfolio["kind"].isin(kind)]
        rows = rows.merge(allowed[["offer", "start_year", "may_start"]], on=["offer", "start_year"], how="left")
        wrong = [value is not True and value != 1 for value in rows["may_start"].tolist()]
        ledger.forbid(name, rows.loc[wrong, ["kind", "offer", "start_year"]])
    ledger.note("one_contract_at_a_time", view.active, view.active["count"] - 1.0, tolerance=SHARE)
    projects = portfolio[portfolio["kind"] == "project"].groupby("offer", as_index=False).size()
    ledger.note("one_sponsorship", projects, projects["size"] - 1.0, tolerance=SHARE)
    signed = portfolio[portfolio["kind"].isin(["sale", "toll"])]
    terms = signed["offer"].map(case.map("offers", "offer", "term_years")).astype(float)
    off = (signed["end_year"] - signed["start_year"] + 1 - terms).abs()
    ledger.note("term", signed[["offer", "start_year", "end_year"]], off, tolerance=SHARE)
    held = case.tables["qualifications"].query("is_held")["qualification"]
    claimed = portfolio[(portfolio["kind"] == "held") & ~portfolio["offer"].isin(held)]
    ledger.forbid("held_today", claimed[["offer"]])


def _volumes(view: View) -> pd.DataFrame:
    """Per offer and year: committed, lifted (recomputed), paid and running volume, new contracts in force."""
    case = view.case
    rows = case.tables["offers"].merge(case.tables["offer_years"][["offer", "year", "running_t"]], on="offer")
    rows = rows.merge(view.results["commitments"], on=["offer", "year"], how="left")
    rows = rows.merge(view.active, on=["offer", "year"], how="left")
    sales = view.lifted[view.lifted["shock"] == NOMINAL].rename(columns={"lifted_t": "taken_t"})
    rows = rows.merge(sales[["offer", "year", "taken_t"]], on=["offer", "year"], how="left")
    zero = ["running_t", "committed_t", "lifted_t", "paid_t", "count", "taken_t"]
    rows = rows.fillna(dict.fromkeys(zero, 0.0))
    groups = [";".join(case.toll_recipes.get(name, ())) for name in rows["offer"]]
    rows["group"] = pd.Series(groups, index=rows.index, dtype=object)
    tolls = view.tolled[view.tolled["shock"] == NOMINAL].rename(columns={"lifted_t": "made_t"})
    rows = rows.merge(tolls[["year", "group", "product", "made_t"]], on=["year", "group", "product"], how="left")
    return rows.fillna({"made_t": 0.0})


def _check_window(ledger: Ledger, rows: pd.DataFrame) -> None:
    """Commitments within minimum and maximum while a contract is in force, and what runs is kept."""
    new = rows["committed_t"] - rows["running_t"]
    shown = rows[["offer", "year", "committed_t", "running_t"]]
    ledger.note("contract_minimum", shown, rows["min_t"] * rows["count"] - new, rows["committed_t"])
    ledger.note("contract_maximum", shown, new - rows["max_t"] * rows["count"], rows["committed_t"])


def _check_take_or_pay(ledger: Ledger, rows: pd.DataFrame) -> None:
    """What is taken is reserved, reported and paid; at least the agreed share is paid, never more than is reserved."""
    sales = rows[rows["kind"] == "sale"]
    off = (sales["taken_t"] - sales["lifted_t"]).abs()
    ledger.note("lifted_sales", sales[["offer", "year", "lifted_t", "taken_t"]], off, sales["taken_t"])
    tolls = rows[rows["kind"] == "toll"]
    key = ["group", "product", "year"]
    sums = tolls.groupby(key, as_index=False).agg({"lifted_t": "sum", "made_t": "max"})
    ledger.note("lifted_tolls", sums, (sums["lifted_t"] - sums["made_t"]).abs(), sums["made_t"])
    shown = rows[["offer", "year", "committed_t", "lifted_t", "paid_t"]]
    ledger.note("lifted_within_commitment", shown, rows["lifted_t"] - rows["committed_t"], rows["committed_t"])
    due = rows["take_or_pay_share"] * rows["committed_t"]
    ledger.note("take_or_pay", shown, due - rows["paid_t"], due)
    ledger.note("lifted_is_paid", shown, rows["lifted_t"] - rows["paid_t"], rows["lifted_t"])
    ledger.note("paid_within_commitment", shown, rows["paid_t"] - rows["committed_t"], rows["committed_t"])


def _check_reserved_capacity(view: View, ledger: Ledger, rows: pd.DataFrame) -> None:
    """No more is reserved at a plant than is open to one buyer, unless it runs already."""
    case = view.case
    uses = case.made.query("t_per_t > 0").merge(
        case.tables["recipes"][["recipe", "facility", "capacity_use"]], on="recipe"
    )
    uses = uses.assign(use=uses["capacity_use"] / uses["t_per_t"])
    least = uses.groupby(["facility", "product", "year"], as_index=False)[["use"]].min()
    part = rows.merge(least, on=["facility", "product", "year"], how="left").fillna({"use": 0.0})
    part["reserved_t"] = part["use"] * part["committed_t"]
    part["running_t"] = part["use"] * part["running_t"]
    sums = part.groupby(["facility", "kind", "year"], as_index=False)[["reserved_t", "running_t"]].sum()
    sums = sums.merge(case.tables["capacities"], on=["facility", "year"], how="left")
    sums = sums.merge(view.entitlements, on=["facility", "year"], how="left")
    sums = sums.fillna({"open_sale_t": 0.0, "open_toll_t": 0.0, "entitlement_t": 0.0})
    own = sums["open_sale_t"].where(sums["kind"] == "sale", sums["open_toll_t"])
    room = own.clip(lower=sums["running_t"]) + sums["entitlement_t"]
    ledger.note("reserved_capacity", sums[["facility", "kind", "year", "reserved_t"]], sums["reserved_t"] - room, room)


def in_force(view: View, names: pd.Series, years: pd.Series) -> list[bool]:
    """Whether each named qualification is in force in its year; no name needs none."""
    start = view.qualified_from
    return [
        not isinstance(name, str) or not name or start.get(name, 10**6) <= year
        for name, year in zip(names, years, strict=True)
    ]


def _check_qualification(view: View, ledger: Ledger) -> None:
    """Qualified before a new contract is in force, and before anything is delivered."""
    needed = view.case.map("offers", "offer", "qualification")
    active = view.active
    missing = [not ok for ok in in_force(view, active["offer"].map(needed), active["year"])]
    ledger.forbid("qualified_before_signing", active.loc[missing, ["offer", "year"]])
    running = view.case.tables["offer_years"].query("running_t > 0")
    running = running[["offer", "year"]].assign(runs=True)
    sales = view.lifted.merge(running, on=["offer", "year"], how="left")
    sales = sales[sales["runs"].isna()]
    missing = [not ok for ok in in_force(view, sales["offer"].map(needed), sales["year"])]
    rows = sales.loc[missing]
    ledger.note("qualified_before_delivery", rows[[*WHEN, "offer"]], rows["lifted_t"])
    sold = view.case.tables["offers"].query("kind == 'sale'")["offer"]
    spot = view.results["deliveries"].query("kind == 'spot'")
    ledger.forbid("spot_in_shocks_only", spot.loc[spot["shock"] == NOMINAL, [*WHEN, "offer"]])
    known = view.lifted[~view.lifted["offer"].isin(sold)]
    ledger.forbid("sales_are_offers", known[[*WHEN, "offer"]])


def _check_recourse_sales(view: View, ledger: Ledger) -> None:
    """In a shock a contract gives at most its volume plus surge, as far as the plant still works."""
    offers = view.case.tables["offers"][["offer", "facility", "surge_share"]]
    rows = view.lifted[view.lifted["shock"] != NOMINAL].merge(offers, on="offer")
    volumes = view.results["commitments"][["offer", "year", "committed_t"]]
    rows = rows.merge(volumes, on=["offer", "year"], how="left").fillna({"committed_t": 0.0})
    room = state_factor(view, rows) * (1.0 + rows["surge_share"]) * rows["committed_t"]
    ledger.note("shock_contracts", rows[[*WHEN, "offer", "lifted_t"]], rows["lifted_t"] - room, room)


def _check_recourse_tolls(view: View, ledger: Ledger) -> None:
    """The same for toll conversion, over all offers on the same recipes."""
    case = view.case
    offers = case.tables["offers"].query("kind == 'toll'")
    groups = [";".join(case.toll_recipes.get(name, ())) for name in offers["offer"]]
    offers = offers.assign(group=pd.Series(groups, index=offers.index, dtype=object))
    volumes = view.results["commitments"].merge(offers, on="offer")
    volumes["called_t"] = (1.0 + volumes["surge_share"]) * volumes["committed_t"]
    key = ["group", "product", "year"]
    called = volumes.groupby(key, as_index=False)[["called_t"]].sum()
    rows = view.tolled[view.tolled["shock"] != NOMINAL].merge(called, on=key, how="left").fillna({"called_t": 0.0})
    rows = rows.merge(offers[["group", "product", "facility"]].drop_duplicates(), on=["group", "product"])
    room = state_factor(view, rows) * rows["called_t"]
    ledger.note("shock_tolls", rows[[*WHEN, "group", "product", "lifted_t"]], rows["lifted_t"] - room, room)


def _check_spot(view: View, ledger: Ledger) -> None:
    """Spot purchases in a shock: only from qualified suppliers, within what survives of the spot market."""
    case = view.case
    spot = view.results["deliveries"].query("kind == 'spot' and shock != @NOMINAL")
    rows = spot.groupby([*WHEN, "offer"], as_index=False)[["delivered_t"]].sum()
    depth = case.tables["qualification_years"].rename(columns={"qualification": "offer"})
    rows = rows.merge(depth[["offer", "year", "spot_t"]], on=["offer", "year"], how="left").fillna({"spot_t": 0.0})
    rows["facility"] = rows["offer"].map(case.map("qualifications", "qualification", "facility")).astype(object)
    may = pd.Series(in_force(view, rows["offer"], rows["year"]), index=rows.index, dtype=float)
    room = state_factor(view, rows) * rows["spot_t"] * may
    ledger.note("shock_spot", rows[[*WHEN, "offer", "delivered_t"]], rows["delivered_t"] - room, room)
