"""The flagship against the ranges the field would expect: value, range, verdict, and the table rows behind each value.

    python benchmarks/plausibility.py RUN [RUN_FREE] [--write docs/plausibility.md]

RUN is a run of cases/allied-magnets; RUN_FREE a run of the same case with share caps that keep the dominant country out
from 2030 (see docs/plausibility.md for the lines to add). --write puts both tables between the marks of that page.
"""

import csv
import sys
from pathlib import Path

import pandas as pd

from optimizer.tables.browse import table_rows
from optimizer.tables.package import load_package

ROOT = Path(__file__).parents[1]
WORDS = sys.argv[1:]
PAGE = Path(WORDS[WORDS.index("--write") + 1]) if "--write" in WORDS else None
RUNS = [Path(word) for word in WORDS[: WORDS.index("--write") if PAGE else None]]
RUN, FREE = RUNS[0], RUNS[1] if len(RUNS) > 1 else None
INPUTS = {path.stem: pd.read_parquet(path) for path in (RUN / "inputs").glob("*.parquet")}
TABLES = {path.stem: pd.read_parquet(path) for path in RUN.glob("*.parquet")}
CASE = ROOT / "cases" / "allied-magnets"
KEYS = {name: resource.key for name, resource in load_package(ROOT / "data", with_records=True).resources.items()}
MARKS = ("<!-- written by benchmarks/plausibility.py: begin -->", "<!-- end -->")
MOST_FIGURES = 4
ROWS = []
TRACES = []


def row(check, low, high, value, source, rests_on=()):
    """One check; ``rests_on`` are (table, column=value, ...) whose rows are listed under it."""
    inside = "" if low is None else "inside" if low <= value <= high else "OUTSIDE"
    span = "" if low is None else f"{low:g} to {high:g}"
    ROWS.append((check, span, f"{value:.3g}", inside, source))
    for table, where in rests_on:
        found = trace(table, where)
        assert found, f"nothing in {table} for {where}"
        TRACES.extend((check, *record) for record in found)


def trace(table, where):
    """(table, key, figures, source, confidence) of the rows with these values, of the shared tables or of the case."""
    own = CASE / f"{table}.csv"
    if own.exists():
        with own.open(encoding="utf-8") as file:
            records = [r for r in csv.DictReader(file) if all(r[name] == value for name, value in where.items())]
    else:
        records = table_rows(table, list(where.items()))
    return [(table, *told(r, KEYS[table])) for r in records]


def told(record, key):
    skipped = {*key, "source_id", "confidence", "note", "latitude", "longitude", "effect", "money_year"}
    figures = []
    for name, value in record.items():
        if name in skipped or value in (None, "") or isinstance(value, bool):
            continue
        try:
            figures.append(f"{name} {float(value):g}")
        except ValueError:
            continue
    return (
        " ".join(str(record[name]) for name in key if record[name] not in (None, "")),
        ", ".join(figures[:MOST_FIGURES]),
        record["source_id"],
        record["confidence"],
    )


def flow(route, product):
    return ("route_flows", {"route": route, "product": product})


def deck(product, market):
    return ("prices", {"product": product, "market": market, "year": "2030"})


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
    made = [flow("magnet_n", "ndpr_metal"), flow("metal_ndpr", "ndpr_oxide")]
    back_flows = [
        flow("magnet_n", "swarf"),
        flow("recycle_hydromet", "ndpr_oxide"),
        ("compositions", {"ore": "ndfeb-scrap-n"}),
    ]
    metal = per_t("|ndfeb_n", "ndpr_metal", "input")
    oxide = per_t("|ndpr_metal", "ndpr_oxide", "input")
    row(
        "NdPr oxide per kg finished magnet, gross (kg)",
        0.48,
        0.58,
        metal * oxide,
        "route_flows magnet_n, metal_ndpr",
        made,
    )
    scrap = per_t("|ndfeb_n", "swarf", "output")
    back = per_t("|recycle_hydromet|swarf", "ndpr_oxide", "output")
    row(
        "NdPr oxide per kg finished magnet, after swarf (kg)",
        0.38,
        0.45,
        metal * oxide - scrap * back,
        "route_flows, recycling route",
        made + back_flows,
    )
    for grade, low, high in (("ndfeb_sh_gbd", 6, 12), ("ndfeb_sh", 18, 36)):
        dy = per_t(f"|{grade}", "dy_metal", "input") * per_t("|dy_metal", "dy_oxide", "input")
        first, last = 320 * dy, 640 * dy
        name = "with diffusion" if grade.endswith("gbd") else "without"
        route = grade.replace("ndfeb", "magnet")
        recipe = [flow(route, "dy_metal"), flow("metal_dy", "dy_oxide")]
        markets = [m for m in ("de-heavy", "us-heavy") if trace("demand", {"market": m})]
        for year, need in (("2027", first), ("2034", last)):
            demand = [("demand", {"market": market, "year": year}) for market in markets]
            row(f"Dy oxide needed {name}, {year} (t/yr)", low, high, need, f"route_flows of {grade}", recipe + demand)


def prices():
    cost, german, sea = landed("chn-jlmag-group-n", "de-standard", 2029)
    maker = [("offers", {"offer": "chn-jlmag-group-n"}), ("offer_indices", {"offer": "chn-jlmag-group-n"})]
    eu_duty = ("tariffs", {"importer": "EU", "exporter": "*", "form": "magnet", "legal_basis": "MFN"})
    us_duty = [("tariffs", {"importer": "USA", "exporter": "*", "form": "magnet", "legal_basis": "MFN"})]
    us_duty.append(
        ("tariffs", {"importer": "USA", "exporter": "CHN", "legal_basis": "Section 301", "valid_from": "2026-01-01"})
    )
    ship = ("freight_quotes", {"from_country_iso3": "CHN", "to_country_iso3": "DEU", "mode": "sea"})
    landed_on = [*maker, deck("ndpr_metal", "CHN"), ship, eu_duty, ("products", {"product": "ndfeb_n"})]
    row("Chinese Dy-free magnet landed in Germany (USD/kg)", 55, 75, cost, "offers, prices, lanes", landed_on)
    _, american, _ = landed("chn-jlmag-group-n", "us-standard", 2029)
    row("US duty less German duty (points)", 24, 26, 100 * (american - german), "tariffs", [*us_duty, eu_duty])
    row("sea freight, China to Germany (USD/kg)", 0.1, 0.6, sea, "freight_quotes", [ship])
    for place in ("DEU", "USA"):
        quote = ("freight_quotes", {"from_country_iso3": "CHN", "to_country_iso3": place, "mode": "air"})
        air = table_rows(quote[0], list(quote[1].items()))[0]["freight_usd_per_t"] / 1000
        row(f"air freight, China to {place} (USD/kg; not used in this case)", 3, 7, air, "freight_quotes", [quote])
    floor = [("offers", {"offer": "mp-independence-n"}), ("offer_indices", {"offer": "mp-independence-n"})]
    mp, _, _ = landed("mp-independence-n", "us-standard", 2029)
    row("all-US chain at the 110 USD/kg floor (USD/kg)", 90, 130, mp, "offer mp-independence-n", floor)
    indices = INPUTS["offer_years"].set_index(["offer", "year"])["price_usd_per_kg"]
    china = indices["chn-jlmag-group-gbd", 2029] - indices["chn-jlmag-group-n", 2029]
    abroad = indices["vac-hanau-gbd", 2029] - indices["vac-hanau-n", 2029]
    row(
        "heavies in a Dy/Tb-bearing magnet, China (USD/kg)",
        4,
        8,
        china,
        "grade difference of one maker",
        heavies("chn-jlmag-group", "CHN"),
    )
    row(
        "heavies in a Dy/Tb-bearing magnet, outside (USD/kg)",
        20,
        35,
        abroad,
        "grade difference of one maker",
        heavies("vac-hanau", "ROW"),
    )


def heavies(maker, market):
    offers = [("offers", {"offer": f"{maker}-{grade}"}) for grade in ("n", "gbd")]
    indices = [("offer_indices", {"offer": f"{maker}-gbd"})]
    return [*offers, *indices, deck("dy_metal", market), deck("tb_metal", market)]


def signed(portfolio):
    """Offers under contract in the first point of a run."""
    chosen = portfolio[(portfolio["point"] == 1) & portfolio["kind"].isin(["sale", "toll"])]
    return [("offers", {"offer": offer}) for offer in sorted(set(chosen["offer"]))]


def plan():
    shares = TABLES["shares"]
    first = shares[(shares["point"] == 1) & (shares["country_iso3"] == "CHN")].set_index("stage")["flow_share"]
    carrying = signed(TABLES["portfolio"])
    for stage in ("separation", "metal", "magnet"):
        row(
            f"China's share in the cheapest plan, {stage}",
            0.85,
            1.0,
            float(first.get(stage, 0)),
            "shares, point 1",
            carrying,
        )
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
    for event in trace("event_effects", {"event": "licence-wave"}) + trace("stock_policies", {}):
        TRACES.append(("April 2025 replayed", *event))
    cost = TABLES["frontier"].set_index("point")["cost_usd_per_kg"]
    row("cost of the cheapest plan (USD/kg)", None, None, float(cost[1]), "frontier", carrying)
    if FREE is not None:
        premium()


def premium():
    """All the extra cost of the ban, wherever it falls, over what the banned years cost without it."""
    free = pd.read_parquet(FREE / "frontier.parquet")["cost_musd"].iloc[0]
    base = TABLES["frontier"]["cost_musd"].iloc[0]
    costs = TABLES["costs"]
    late = costs[(costs["point"] == 1) & (costs["year"] >= 2030)]["cost_musd"].sum()
    row(
        "premium of a plan free of China from 2030 (%)",
        20,
        90,
        100 * (free - base) / late,
        "both runs",
        signed(pd.read_parquet(FREE / "portfolio.parquet")),
    )
    row("... over the whole horizon (%)", None, None, 100 * (free / base - 1), "frontier of both runs")


def projects():
    data = INPUTS["projects"].merge(INPUTS["facilities"], on="facility")
    lines = data[(data["stage"] == "magnet") & (data["country_iso3"] == "USA")]
    for record in lines.to_dict("records"):
        value = record["cost_musd"] / record["entitlement_t_per_year"] * 1000
        row(
            f"US magnet plant {record['project']} (MUSD per 1,000 t/yr)",
            122,
            179,
            value,
            "projects",
            [("projects", {"project": record["project"]})],
        )


def markdown(columns, records):
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join(lines + ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in r) + " |" for r in records])


CHECKS = ("check", "range", "value", "verdict", "from")
RESTS = ("check", "table", "row", "figures", "source", "confidence")
for part in (material, prices, plan, projects):
    part()
print(pd.DataFrame(ROWS, columns=CHECKS).to_string(index=False))
last = None
for check, *parts in TRACES:
    if check != last:
        print(f"\n{check}")
    last = check
    print("  {}: {} | {} [{}, {}]".format(*parts))
if PAGE:
    before, rest = PAGE.read_text(encoding="utf-8").split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    made = f"{markdown(CHECKS, ROWS)}\n\n## Rows each value rests on\n\n{markdown(RESTS, TRACES)}"
    PAGE.write_text(f"{before}{MARKS[0]}\n{made}\n{MARKS[1]}{after}", encoding="utf-8")
