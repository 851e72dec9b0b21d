"""What the tables say beside amounts: who signs for what, from when to when, in which words, places and classes.

No balance asks for these columns, yet a buyer reads them: a portfolio row with another country adds up all the same.
"""

from __future__ import annotations

import pandas as pd

from optimizer.audit.ledger import MUSD, Ledger
from optimizer.audit.view import WHEN, View

_BOOKS = {
    "sale": "offers",
    "toll": "offers",
    "running": "offers",
    "qualification": "qualifications",
    "held": "qualifications",
    "project": "projects",
}
"""Kind of portfolio row → the table that has its facts."""
_KEYS = {"offers": "offer", "qualifications": "qualification", "projects": "project"}
_WORDS = {
    "portfolio": ("kind", tuple(_BOOKS)),
    "deliveries": ("kind", ("sale", "spot")),
    "outlets": ("outlet", ("sold", "disposed", "surplus")),
    "standby": ("kind", ("hand_over", "lane", "recipe")),
}


def check_claims(view: View, ledger: Ledger) -> None:
    """The portfolio as a buyer reads it; words, places and classes of all rows; demand and cost per kg."""
    _check_portfolio(view, ledger)
    _check_spans(view, ledger)
    _check_volumes(view, ledger)
    _check_words(view, ledger)
    _check_places(view, ledger)
    _check_classes(view, ledger)
    _check_demand(view, ledger)
    _check_unit_cost(view, ledger)


def _check_portfolio(view: View, ledger: Ledger) -> None:
    """Plant, product, stage and country of each row are those of what it names."""
    case, rows = view.case, view.results["portfolio"]
    parts = []
    for book, key in _KEYS.items():
        names = case.tables[book].rename(columns={key: "offer"})
        kinds = names["kind"] if book == "offers" else ""
        product = "" if book == "projects" else names["product"]
        parts.append(names[["offer", "facility"]].assign(book=book, product=product, signed_as=kinds))
    known = pd.concat(parts, ignore_index=True).merge(
        case.tables["facilities"][["facility", "stage", "country_iso3"]], on="facility"
    )
    facts = ["facility", "product", "stage", "country_iso3"]
    found = rows.assign(book=rows["kind"].map(_BOOKS)).merge(
        known, on=["book", "offer"], how="left", suffixes=("", "_known")
    )
    wrong = pd.Series(False, index=found.index)
    for name in facts:
        wrong |= found[name] != found[f"{name}_known"]
    wrong |= found["kind"].isin(["sale", "toll"]) & (found["kind"] != found["signed_as"])
    ledger.forbid("portfolio_facts", found.loc[wrong, ["kind", "offer", *facts]])


def _check_spans(view: View, ledger: Ledger) -> None:
    """What runs and what is held today is listed, over the years it runs; decisions hold to the end of the horizon."""
    case, rows = view.case, view.results["portfolio"]
    first, last = case.years[0], case.years[-1]
    running = case.tables["offer_years"].query("running_t > 0").groupby("offer", as_index=False)["year"]
    spans = running.agg(["min", "max"]).rename(columns={"min": "start_year", "max": "end_year"})
    held = case.tables["qualifications"].query("is_held")["qualification"]
    today = pd.concat(
        [
            spans.reindex(columns=["offer", "start_year", "end_year"]).assign(kind="running"),
            pd.DataFrame({"offer": held, "start_year": first, "end_year": last, "kind": "held"}),
        ]
    ).astype({"start_year": "int64", "end_year": "int64"})
    told = rows.loc[rows["kind"].isin(["running", "held"]), ["kind", "offer", "start_year", "end_year"]]
    both = told.merge(today, on=list(told.columns), how="outer", indicator="found")
    ledger.forbid("listed_today", both.loc[both["found"] != "both", list(told.columns)])
    decided = rows[rows["kind"].isin(["qualification", "project"])]
    ledger.forbid("decided_to_the_end", decided.loc[decided["end_year"] != last, ["kind", "offer", "end_year"]])


def _check_volumes(view: View, ledger: Ledger) -> None:
    """Largest yearly volume of each contract in its term, of what runs, and of what a project brings up."""
    case, rows = view.case, view.results["portfolio"]
    volumes = view.results["commitments"][["offer", "year", "committed_t"]]
    volumes = case.tables["offer_years"][["offer", "year", "running_t"]].merge(
        volumes, on=["offer", "year"], how="left"
    )
    volumes["new_t"] = volumes["committed_t"].fillna(0.0) - volumes["running_t"]
    full = case.map("projects", "project", "entitlement_t_per_year")
    profile = case.tables["project_profile"]
    found = []
    for row in rows.to_dict("records"):
        name, mine = row["offer"], volumes[volumes["offer"] == row["offer"]]
        if row["kind"] == "project":
            ages = profile[(profile["project"] == name) & (profile["age"] <= case.years[-1] - row["start_year"])]
            found.append(float(full.get(name, 0.0)) * max([0.0, *ages["share"]]))
        elif row["kind"] == "running":
            found.append(max([0.0, *mine["running_t"]]))
        else:
            found.append(max([0.0, *mine.loc[mine["year"].between(row["start_year"], row["end_year"]), "new_t"]]))
    expected = pd.Series(found, index=rows.index, dtype=float)
    off = (rows["committed_t_per_year"] - expected).abs()
    shown = rows[["kind", "offer", "start_year", "committed_t_per_year"]].assign(found=expected)
    ledger.note("portfolio_volumes", shown, off, expected)


def _check_words(view: View, ledger: Ledger) -> None:
    """Kinds of rows are those the schema knows: a row of another kind would count nowhere."""
    for name, (column, words) in _WORDS.items():
        rows = view.results[name]
        ledger.forbid("words", rows.loc[~rows[column].isin(words), [column]].assign(table=name))


def _check_places(view: View, ledger: Ledger) -> None:
    """Recipes run and stand by where they are, lanes start where they start, all else is at a plant or a market."""
    case, results = view.case, view.results
    recipes = case.tables["recipes"][["recipe", "facility"]]
    lanes = case.tables["lanes"][["lane", "from_place"]]
    ends = pd.concat(
        [
            recipes.rename(columns={"recipe": "item"}).assign(kind="recipe"),
            lanes.rename(columns={"lane": "item", "from_place": "facility"}).assign(kind="lane"),
        ],
        ignore_index=True,
    ).assign(exists=True)
    run = results["throughput"].rename(columns={"recipe": "item"}).assign(kind="recipe")
    ready = results["standby"]
    for name, rows in (("throughput", run), ("standby", ready[ready["kind"] != "hand_over"])):
        rows = rows[["kind", "item", "facility"]].drop_duplicates()
        rows = rows.merge(ends, on=["kind", "item", "facility"], how="left")
        ledger.forbid("places", rows.loc[rows["exists"].isna(), ["item", "facility"]].assign(table=name))
    markets = set(case.tables["markets"]["market"])
    everywhere = markets | set(case.tables["facilities"]["facility"])
    for name, column, known in (
        ("outlets", "place", everywhere),
        ("reclassified", "place", everywhere),
        ("stock", "place", everywhere),
        ("supply", "market", markets),
    ):
        rows = results[name]
        ledger.forbid("places", rows.loc[~rows[column].isin(known), [column]].assign(table=name))


def _check_classes(view: View, ledger: Ledger) -> None:
    """Every row says which origin class it is of, but in shocks in which none is asked for."""
    untold = view.case.unclassed
    for name, frame in view.results.items():
        for column in frame.columns.intersection(["origin_class", "from_class", "to_class"]):
            wrong = (frame[column] < 0) & ~frame["shock"].isin(untold)
            ledger.forbid("classes_are_told", frame.loc[wrong, [*WHEN, column]].assign(table=name))


def _check_demand(view: View, ledger: Ledger) -> None:
    """All demand of the plan is listed, and is that of the case; in shocks over the length of the period."""
    rows, demand = view.results["shortfalls"], view.case.tables["demand"][["market", "year", "demand_t"]]
    rows = rows.merge(demand, on=["market", "year"], how="left", suffixes=("", "_per_year"))
    rows = rows.merge(view.case.states[[*WHEN, "share_of_year"]], on=WHEN, how="left")
    expected = rows["demand_t_per_year"] * rows["share_of_year"]
    listed = view.nominal("shortfalls")[["market", "year"]].assign(listed=True)
    lacking = demand[demand["demand_t"] > 0].merge(listed, on=["market", "year"], how="left")
    ledger.forbid("demand_listed", lacking.loc[lacking["listed"].isna(), ["market", "year"]])
    ledger.note("demand_table", rows[[*WHEN, "market", "demand_t"]], (rows["demand_t"] - expected).abs(), expected)


def _check_unit_cost(view: View, ledger: Ledger) -> None:
    """Cost per kg is cost over discounted demand; empty where there is none."""
    demand = view.case.tables["demand"]
    kg = float((demand["demand_t"] * demand["year"].map(view.case.discount)).sum()) * 1e3
    rows = view.results["frontier"]
    told, expected = rows["cost_usd_per_kg"], rows["cost_musd"] * 1e6 / kg if kg > 0 else float("nan") * rows["point"]
    off = (told - expected).abs().mask(told.isna() & expected.isna(), 0.0)
    ledger.note("frontier_cost_usd_per_kg", rows[["point", "cost_usd_per_kg"]], off, expected.fillna(0.0), MUSD)


def check_shocks(view: View, ledger: Ledger) -> None:
    """Shocks are described in the run as they are in the case."""
    facts = ["event", "name", "start_year", "window_months", "story"]
    rows = view.results["shocks"].merge(view.case.tables["shocks"], on="shock", suffixes=("", "_known"))
    wrong = pd.Series(False, index=rows.index)
    for name in facts:
        wrong |= rows[name] != rows[f"{name}_known"]
    ledger.forbid("shocks_described", rows.loc[wrong, ["shock", *facts]])
