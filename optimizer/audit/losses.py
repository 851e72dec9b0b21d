"""Losses of every shock and the resilience measure, recomputed from unmet demand."""

from __future__ import annotations

import pandas as pd

from optimizer.audit.balances import opening_stock
from optimizer.audit.ledger import MONTHS, Ledger, keyed
from optimizer.audit.view import NOMINAL, View
from optimizer.results.measures import expected, loss_measure, losses_of, stock_drawn, worst


def check_losses(view: View, ledger: Ledger) -> None:
    """Loss, time to survive and to recover per shock; measure, mean and worst loss of the point."""
    case = view.case
    shocks = case.tables["shocks"].rename(columns={"probability": "weight"})
    told = view.results["losses"]
    unknown = told[~told["shock"].isin(shocks["shock"])]
    ledger.forbid("losses_of_known_shocks", unknown[["shock"]])
    found = _losses(view)
    rows = told.merge(found, on="shock", how="outer", suffixes=("", "_found"))
    for column in ("loss_months", "survive_months", "recover_months"):
        off = (rows[column] - rows[f"{column}_found"]).abs()
        ledger.note(f"shock_{column}", rows[["shock", column, f"{column}_found"]], off, rows[column], MONTHS)
    months = keyed(found, ["shock"], "loss_months")
    weights = keyed(case.tables["year_weights"], ["start_year"], "weight")
    kind, alpha = case.settings.get("measure_kind", "cvar_by_start_year"), case.number("measure_alpha")
    values = shocks["shock"].map(months).fillna(0.0).to_numpy(dtype=float)
    rates = shocks["rate_per_year"].to_numpy(dtype=float)
    expectations = {
        "loss_months": loss_measure(months, shocks, kind, alpha, weights),
        "expected_loss_months": expected(values, rates),
        "worst_loss_months": worst(values),
    }
    point = view.results["frontier"]
    for column, value in expectations.items():
        rows = point[["point", column]].assign(found=value)
        ledger.note(f"frontier_{column}", rows, (rows[column] - value).abs(), value, MONTHS)


def _losses(view: View) -> pd.DataFrame:
    case = view.case
    windows = case.tables["shocks"][["shock", "window_months"]]
    states = case.states[case.states["shock"] != NOMINAL].merge(windows, on="shock")
    if states.empty:
        return pd.DataFrame(columns=["shock", "loss_months", "survive_months", "recover_months"])
    markets = case.tables["demand"].merge(case.tables["markets"][["market", "criticality"]], on="market")
    cells = states.merge(markets[["market", "year", "demand_t", "criticality"]], on="year")
    cells["demand_t"] = cells["demand_t"] * cells["share_of_year"]
    return losses_of(view.shocked("shortfalls"), states, cells, _drawn(view, states))


def _drawn(view: View, states: pd.DataFrame) -> pd.DataFrame:
    """Use of the markets' stock in shocks, on the basis of demand."""
    use = view.case.tables["market_products"][["market", "product", "use_kg_per_kg"]]

    def at_markets(rows: pd.DataFrame) -> pd.DataFrame:
        held = rows.rename(columns={"place": "market"}).merge(use, on=["market", "product"])
        return held.assign(stock_t=held["stock_t"].astype(float) / held["use_kg_per_kg"].astype(float))

    first = states.loc[states.groupby("shock")["first_month"].idxmin(), ["shock", "period"]]
    opened = at_markets(opening_stock(view).merge(first, on=["shock", "period"]))
    every = first[["shock"]].merge(use[["market"]].drop_duplicates(), how="cross").assign(stock_t=0.0)
    opening = pd.concat([every, opened[["shock", "market", "stock_t"]]], ignore_index=True)
    return stock_drawn(at_markets(view.shocked("stock")), opening, states)


def check_probabilities(view: View, ledger: Ledger) -> None:
    """Weights of the shocks of a start year sum to one, and the reported shocks are those of the case."""
    shocks = view.case.tables["shocks"]
    sums = shocks.groupby("start_year", as_index=False)[["probability"]].sum()
    ledger.note("shock_weights", sums, (sums["probability"] - 1.0).abs(), tolerance=1e-6)
    told = view.results["shocks"].merge(shocks[["shock", "probability", "rate_per_year"]], on="shock", how="outer")
    told = told.fillna({"weight": 0.0, "probability": 0.0})
    off = (told["weight"] - told["probability"]).abs() + (told["rate_per_year_x"] - told["rate_per_year_y"]).abs()
    ledger.note("shocks_table", told[["shock", "weight", "probability"]], off, tolerance=1e-6)
