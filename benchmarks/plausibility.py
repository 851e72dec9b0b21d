"""The flagship against the ranges that the field would expect: value, range, verdict, and where each value comes from.

    python benchmarks/plausibility.py RUN [RUN_FREE]

RUN is a run of cases/allied-magnets; RUN_FREE a run of the same case with share caps that keep the dominant country out
from 2030 (see docs/plausibility.md for the two lines to add).
"""

import sys
from pathlib import Path

import pandas as pd

RUN = Path(sys.argv[1])
FREE = Path(sys.argv[2]) if len(sys.argv) > 2 else None
INPUTS = {path.stem: pd.read_parquet(path) for path in (RUN / "inputs").glob("*.parquet")}
TABLES = {path.stem: pd.read_parquet(path) for path in RUN.glob("*.parquet")}
COUNTRY = INPUTS["facilities"].set_index("facility")["country_iso3"]
ROWS = []


def row(check, low, high, value, source):
    inside = "" if low is None else "inside" if low <= value <= high else "OUTSIDE"
    span = "" if low is None else f"{low:g} to {high:g}"
    ROWS.append((check, span, f"{value:.3g}", inside, source))


def per_t(recipe_part, product, direction):
    flows = INPUTS["recipe_flows"]
    chosen = flows[flows["recipe"].str.endswith(recipe_part)]
    chosen = chosen[(chosen["product"] == product) & (chosen["direction"] == direction)]
    return float(chosen["t_per_t"].median())


def landed(offer, market, year):
    """Offer price, freight and duty of a magnet at a market, USD/kg."""
    row_ = INPUTS["offers"].set_index("offer").loc[offer]
    prices = INPUTS["offer_years"].set_index(["offer", "year"])["price_usd_per_kg"]
    lanes = INPUTS["lanes"]
    lane = lanes[
        (lanes["from_place"] == row_["facility"])
        & (lanes["to_place"] == market)
        & (lanes["product"] == row_["product"])
    ].iloc[0]
    duty = INPUTS["lane_years"].set_index(["lane", "year"]).loc[(lane["lane"], year), "tariff_share"]
    freight = lane["freight_usd_per_t"] / 1000
    return float(prices[offer, year]) + freight + duty * lane["customs_value_usd_per_kg"], float(duty), freight


def material():
    metal = per_t("|ndfeb_n", "ndpr_metal", "input")
    oxide = per_t("|ndpr_metal", "ndpr_oxide", "input")
    row("NdPr oxide per kg finished magnet, gross (kg)", 0.48, 0.58, metal * oxide, "route_flows magnet_n, metal_ndpr")
    scrap = per_t("|ndfeb_n", "swarf", "output")
    back = per_t("|recycle_hydromet|swarf", "ndpr_oxide", "output")
    row("… after swarf (kg)", 0.38, 0.45, metal * oxide - scrap * back, "route_flows, recycling route")
    for grade, low, high in (("ndfeb_sh_gbd", 6, 12), ("ndfeb_sh", 18, 36)):
        dy = per_t(f"|{grade}", "dy_metal", "input") * per_t("|dy_metal", "dy_oxide", "input")
        first, last = 320 * dy, 640 * dy
        name = "with diffusion" if grade.endswith("gbd") else "without"
        row(f"Dy oxide needed {name}, 2027 (t/yr)", low, high, first, f"route_flows of {grade}")
        row(f"Dy oxide needed {name}, 2034 (t/yr)", low, high, last, f"route_flows of {grade}")


def prices():
    cost, german, sea = landed("chn-jlmag-group-n", "de-standard", 2029)
    row("Chinese Dy-free magnet landed in Germany (USD/kg)", 55, 75, cost, "offers, offer_indices, prices, lanes")
    _, american, _ = landed("chn-jlmag-group-n", "us-standard", 2029)
    row("US duty less German duty (points)", 24, 26, 100 * (american - german), "tariffs")
    row("sea freight, China to Germany (USD/kg)", 0.1, 0.6, sea, "freight_quotes")
    mp, _, _ = landed("mp-independence-n", "us-standard", 2029)
    row("all-US chain at the 110 USD/kg floor (USD/kg)", 90, 130, mp, "offer mp-independence-n")
    indices = INPUTS["offer_years"].set_index(["offer", "year"])["price_usd_per_kg"]
    china = indices["chn-jlmag-group-gbd", 2029] - indices["chn-jlmag-group-n", 2029]
    abroad = indices["vac-hanau-gbd", 2029] - indices["vac-hanau-n", 2029]
    row("heavies in a Dy/Tb-bearing magnet, China (USD/kg)", 4, 8, china, "grade difference of one maker")
    row("… outside (USD/kg)", 20, 35, abroad, "grade difference of one maker")


def plan():
    shares = TABLES["shares"]
    first = shares[(shares["point"] == 1) & (shares["country_iso3"] == "CHN")].set_index("stage")["flow_share"]
    for stage in ("separation", "metal", "magnet"):
        row(f"China's share in the cheapest plan, {stage}", 0.85, 1.0, float(first.get(stage, 0)), "shares, point 1")
    losses = TABLES["losses"].set_index(["point", "shock"])["loss_months"]
    stock = TABLES["stock"]
    held = stock[(stock["shock"] == "nominal") & (stock["point"] == 1)].groupby("year")["stock_t"].sum()
    for name in losses.loc[1].index:
        if name.startswith("licence-wave@"):
            start = int(name.split("@")[1])
            bare = start > 2027 and held.get(start - 1, 0.0) < 1.0
            low, high = (0.0, 0.4) if start == 2027 else (1.4, 1.9)
            label = "45 days of stock" if start == 2027 else "no stock" if bare else "stock of the plan"
            row(f"April 2025 replayed in {start}, {label} (months)", low, high, losses[1, name], "losses, point 1")
    cost = TABLES["frontier"].set_index("point")["cost_usd_per_kg"]
    row("cost of the cheapest plan (USD/kg)", None, None, float(cost[1]), "frontier")
    if FREE is not None:
        premium()


def premium():
    """All the extra cost of the ban, wherever it falls, over what the banned years cost without it."""
    free = pd.read_parquet(FREE / "frontier.parquet")["cost_musd"].iloc[0]
    base = TABLES["frontier"]["cost_musd"].iloc[0]
    costs = TABLES["costs"]
    late = costs[(costs["point"] == 1) & (costs["year"] >= 2030)]["cost_musd"].sum()
    row("premium of a plan free of China from 2030 (%)", 20, 90, 100 * (free - base) / late, "both runs")
    row("... over the whole horizon (%)", None, None, 100 * (free / base - 1), "frontier of both runs")


def projects():
    data = INPUTS["projects"].merge(INPUTS["facilities"], on="facility")
    lines = data[(data["stage"] == "magnet") & (data["country_iso3"] == "USA")]
    for record in lines.to_dict("records"):
        value = record["cost_musd"] / record["entitlement_t_per_year"] * 1000
        row(f"US magnet plant {record['project']} (MUSD per 1,000 t/yr)", 122, 179, value, "projects")


for part in (material, prices, plan, projects):
    part()
frame = pd.DataFrame(ROWS, columns=["check", "range", "value", "verdict", "from"])
print(frame.to_string(index=False))
