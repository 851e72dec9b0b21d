"""What suppliers keep ready beyond what is taken, and how far joint production behind sales may run."""

from __future__ import annotations

from collections import defaultdict

import pandas as pd

from optimizer.audit.contracts import in_force
from optimizer.audit.ledger import Ledger
from optimizer.audit.view import NOMINAL, View

_PLACE = ["facility", "product", "year"]


def check_standby(view: View, ledger: Ledger) -> None:
    """Standby is owed, made from standby within open capacity and licences; joint plants run for what is drawn."""
    _check_owed(view, ledger)
    _check_balance(view, ledger)
    _check_capacity(view, ledger)
    _check_ways(view, ledger)
    made = _made(view)
    _check_left_over(view, ledger, made)
    _check_joint(view, ledger, made)


def of_kind(view: View, kind: str, item: str) -> pd.DataFrame:
    """``facility, <item>, year, standby_t`` of one kind of standby row."""
    rows = view.results["standby"]
    rows = rows[rows["kind"] == kind].rename(columns={"item": item})
    return rows[["facility", item, "year", "standby_t"]]


def handed_over(view: View) -> pd.DataFrame:
    """``facility, product, year, amount_t``: what is taken under sales in the plan, and what is on standby."""
    taken = view.lifted[view.lifted["shock"] == NOMINAL].merge(
        view.case.tables["offers"][["offer", "facility", "product"]], on="offer"
    )
    parts = [taken.rename(columns={"lifted_t": "amount_t"})]
    parts.append(of_kind(view, "hand_over", "product").rename(columns={"standby_t": "amount_t"}))
    rows = pd.concat([part[[*_PLACE, "amount_t"]] for part in parts], ignore_index=True)
    return rows.groupby(_PLACE, as_index=False)[["amount_t"]].sum()


def _check_owed(view: View, ledger: Ledger) -> None:
    """No supplier keeps ready more than it owes: volumes with surge, and the spot of those qualified."""
    case = view.case
    offers = case.tables["offers"]
    sales = view.results["commitments"].merge(offers[offers["kind"] == "sale"], on="offer")
    sales["owed_t"] = (1.0 + sales["surge_share"]) * sales["committed_t"]
    spot = case.tables["qualification_years"].merge(case.tables["qualifications"], on="qualification")
    spot = spot[in_force(view, spot["qualification"], spot["year"])].rename(columns={"spot_t": "owed_t"})
    parts = [part[[*_PLACE, "owed_t"]] for part in (sales, spot) if len(part)]
    empty = pd.DataFrame(columns=[*_PLACE, "owed_t"]).astype({"year": "int64", "owed_t": float})
    owed = (pd.concat(parts, ignore_index=True) if parts else empty).groupby(_PLACE, as_index=False)[["owed_t"]].sum()
    ready = of_kind(view, "hand_over", "product")[_PLACE].merge(handed_over(view), on=_PLACE)
    rows = ready.merge(owed, on=_PLACE, how="left").fillna({"owed_t": 0.0})
    ledger.note("standby_owed", rows, rows["amount_t"] - rows["owed_t"], rows["owed_t"])


def _check_balance(view: View, ledger: Ledger) -> None:
    """Standby is made from standby at every supplier; only co-products, and what the plan leaves over, may be spare."""
    case = view.case
    lanes = case.tables["lanes"][["lane", "from_place", "to_place", "product"]]
    moved = of_kind(view, "lane", "lane").drop(columns="facility").merge(lanes, on="lane")
    run = of_kind(view, "recipe", "recipe")
    used = case.tables["recipe_flows"].query("direction == 'input'")[["recipe", "product", "t_per_t"]]
    taken, made = run.merge(used, on="recipe"), run.merge(case.made, on=["recipe", "year"])
    left = view.nominal("outlets").query("outlet == 'surplus'").rename(columns={"place": "facility"})
    ready = of_kind(view, "hand_over", "product")
    parts = [
        moved.assign(facility=moved["to_place"], amount=moved["standby_t"]),
        moved.assign(facility=moved["from_place"], amount=-moved["standby_t"]),
        taken.assign(amount=-taken["t_per_t"] * taken["standby_t"]),
        made.assign(amount=made["t_per_t"] * made["standby_t"]),
        ready.assign(amount=-ready["standby_t"]),
    ]
    rows = pd.concat([part[[*_PLACE, "amount"]].astype({"amount": float}) for part in parts], ignore_index=True)
    rows = rows.assign(gross=rows["amount"].abs()).groupby(_PLACE, as_index=False)[["amount", "gross"]].sum()
    spare = left.groupby(_PLACE, as_index=False)[["amount_t"]].sum()
    rows = rows.merge(spare, on=_PLACE, how="left").fillna({"amount_t": 0.0})
    joint = _joint_places(view).assign(joint=True)
    rows = rows.merge(joint, on=["facility", "product"], how="left")
    free = rows["joint"].notna()
    off = (-rows["amount"] - rows["amount_t"]).where(free, rows["amount"].abs())
    ledger.note("standby_balance", rows[_PLACE], off, rows["gross"])


def _joint_places(view: View) -> pd.DataFrame:
    """(facility, product) that a recipe of several outputs makes in the supplier layer."""
    case = view.case
    outputs = case.tables["recipe_flows"].query("direction == 'output'")
    outputs = outputs[outputs.groupby("recipe")["product"].transform("size") > 1]
    recipes = _suppliers_recipes(view)
    return outputs.merge(recipes, on="recipe")[["facility", "product"]].drop_duplicates()


def _suppliers_recipes(view: View) -> pd.DataFrame:
    recipes = view.case.tables["recipes"]
    behind = recipes["layers"].astype(str).str.split(";").map(lambda layers: "supplier" in layers)
    return recipes.loc[behind.astype(bool), ["recipe", "facility", "capacity_use"]]


def _check_capacity(view: View, ledger: Ledger) -> None:
    """What plants work behind sales and what they keep ready fit in open capacity together."""
    case = view.case
    recipes = case.tables["recipes"][["recipe", "capacity_use"]]
    ready = of_kind(view, "recipe", "recipe").merge(recipes, on="recipe")
    ready["used_t"] = ready["capacity_use"] * ready["standby_t"]
    work = view.nominal("throughput").merge(recipes, on="recipe")
    work["used_t"] = work["capacity_use"] * work["throughput_t"]
    key = ["facility", "year"]
    behind = work[work["layer"] == "supplier"]
    for name, parts in (("standby_capacity", [ready, behind]), ("standby_once", [ready, work])):
        rows = pd.concat([part[[*key, "used_t"]] for part in parts], ignore_index=True)
        rows = rows.groupby(key, as_index=False)[["used_t"]].sum().merge(ready[key].drop_duplicates(), on=key)
        rows = rows.merge(case.tables["capacities"], on=key, how="left").merge(view.entitlements, on=key, how="left")
        rows = rows.fillna({"open_sale_t": 0.0, "open_toll_t": 0.0, "entitlement_t": 0.0})
        room = rows["open_sale_t"] + rows["entitlement_t"]
        room = room if name == "standby_capacity" else room + rows["open_toll_t"]
        ledger.note(name, rows[[*key, "used_t"]], rows["used_t"] - room, room)


def _check_ways(view: View, ledger: Ledger) -> None:
    """Standby uses what shadow flow may use: suppliers' lanes that are licensed, their recipes that are not closed."""
    case = view.case
    moved = of_kind(view, "lane", "lane")
    lanes = case.tables["lanes"].query("layer == 'supplier'")[["lane"]].assign(known=True)
    moved = moved.merge(lanes, on="lane", how="left").merge(case.tables["lane_years"], on=["lane", "year"], how="left")
    wrong = moved["known"].isna() | (moved["approval_share"].fillna(1.0) <= 0)
    ledger.forbid("standby_ways", moved.loc[wrong, ["lane", "year"]])
    run = of_kind(view, "recipe", "recipe")
    run = run.merge(_suppliers_recipes(view)[["recipe"]].assign(known=True), on="recipe", how="left")
    closed = case.tables.get("recipe_closures", pd.DataFrame({"recipe": [], "year": []}))
    closed = closed.astype({"recipe": object, "year": "int64"})[["recipe", "year"]].assign(closed=True)
    run = run.merge(closed, on=["recipe", "year"], how="left")
    ledger.forbid("standby_ways", run.loc[run["known"].isna() | run["closed"].notna(), ["recipe", "year"]])


def _made(view: View) -> pd.DataFrame:
    """``recipe, facility, product, year, t_per_t, throughput_t`` behind sales in the plan."""
    run = view.nominal("throughput").query("layer == 'supplier'")
    run = run.groupby(["recipe", "facility", "year"], as_index=False)[["throughput_t"]].sum()
    return run.merge(view.case.made, on=["recipe", "year"])


def _check_left_over(view: View, ledger: Ledger, made: pd.DataFrame) -> None:
    """No more of a co-product is left over at a supplier than it makes."""
    left = view.nominal("outlets").query("outlet == 'surplus'").rename(columns={"place": "facility"})
    rows = left.groupby(_PLACE, as_index=False)[["amount_t"]].sum().merge(_sums(made), on=_PLACE, how="left")
    rows = rows.fillna({"made_t": 0.0})
    ledger.note("left_over_is_made", rows, rows["amount_t"] - rows["made_t"], rows["made_t"])


def _sums(made: pd.DataFrame) -> pd.DataFrame:
    rows = made.assign(made_t=made["t_per_t"].astype(float) * made["throughput_t"])
    return rows.groupby(_PLACE, as_index=False)[["made_t"]].sum()


def _check_joint(view: View, ledger: Ledger, made: pd.DataFrame) -> None:
    """Throughput of joint plants is covered by what is drawn, each product as if it were alone at its leanest feed."""
    left = view.nominal("outlets").query("outlet == 'surplus'").rename(columns={"place": "facility"})
    left = left.groupby(_PLACE, as_index=False)[["amount_t"]].sum()
    draws = _sums(made).merge(left, on=_PLACE, how="left").fillna({"amount_t": 0.0})
    draws = draws.assign(drawn_t=draws["made_t"] - draws["amount_t"])
    groups = _groups(view)
    made_at_all = groups[groups["t_per_t"] > 0]
    leanest = made_at_all.groupby(["facility", "group", "product", "year"], as_index=False)[["t_per_t"]].min()
    leanest = leanest.rename(columns={"t_per_t": "leanest"})
    draws = draws.merge(leanest, on=_PLACE)
    draws["covered_t"] = draws["drawn_t"] / draws["leanest"]
    key = ["facility", "group", "year"]
    covered = draws.groupby(key, as_index=False)[["covered_t"]].sum()
    ratio = groups.merge(leanest, on=["facility", "group", "product", "year"])
    ratio = ratio.assign(ratio=ratio["t_per_t"] / ratio["leanest"])
    ratio = ratio[ratio["ratio"] > 0].groupby([*key, "recipe"], as_index=False)[["ratio"]].min()
    run = made.loc[made["facility"].isin(groups["facility"]), ["facility", "recipe", "year", "throughput_t"]]
    run = run.drop_duplicates().merge(ratio, on=["facility", "recipe", "year"], how="left").fillna({"ratio": 1.0})
    run = run.assign(group=run["group"].fillna(run["recipe"]), run_t=run["ratio"] * run["throughput_t"])
    rows = run.groupby(key, as_index=False)[["run_t"]].sum().merge(covered, on=key, how="left")
    rows = rows.fillna({"covered_t": 0.0})
    ledger.note("joint_production_is_drawn", rows, rows["run_t"] - rows["covered_t"], rows["run_t"])


def _groups(view: View) -> pd.DataFrame:
    """``facility, group, recipe, product, year, t_per_t``: products others can draw, by recipes that share them."""
    case = view.case
    recipes = _suppliers_recipes(view)
    inputs = case.tables["recipe_flows"].query("direction == 'input'").merge(recipes, on="recipe")
    lanes = case.tables["lanes"].query("layer == 'supplier'").rename(columns={"from_place": "facility"})
    sales = case.tables["offers"].query("kind == 'sale'")
    pair = ["facility", "product"]
    drawable = pd.concat([part[pair] for part in (inputs, lanes, sales)], ignore_index=True).drop_duplicates()
    rows = case.made.merge(recipes, on="recipe").merge(drawable, on=pair)
    joint = _joint_places(view)["facility"].unique()
    rows = rows[rows["facility"].isin(joint)]
    first: dict[tuple[str, str], str] = {}
    for facility, part in rows.groupby("facility"):
        first.update({(str(facility), recipe): name for recipe, name in _linked(part).items()})
    names = [first[str(f), str(r)] for f, r in zip(rows["facility"], rows["recipe"], strict=True)]
    return rows.assign(group=pd.Series(names, index=rows.index, dtype=object))


def _linked(part: pd.DataFrame) -> dict[str, str]:
    """Recipe → name of its group: the least recipe it is linked to by shared products."""
    makers: dict[str, set[str]] = defaultdict(set)
    for recipe, product in zip(part["recipe"], part["product"], strict=True):
        makers[str(product)].add(str(recipe))
    names = {str(recipe): str(recipe) for recipe in part["recipe"]}
    before = None
    while before != names:
        before = dict(names)
        for recipes in makers.values():
            least = min(names[recipe] for recipe in recipes)
            names.update(dict.fromkeys(recipes, least))
    return names
