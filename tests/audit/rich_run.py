"""The hand-made run with something in every optional table: money from states, closures, crews, a running sale, a pool.

Every addition leaves the plan as it is: 20 of the 60 t of the sale ``S`` run from before, at 52 USD/kg less half of a
credit of 4; the project costs 12.5 MUSD less a credit of 20 %, and is built by a crew that builds one at a time. The
forge, which the fire does not touch, could send metal, but has none.
"""

import pandas as pd
from hand_made_run import DIG, MELT, METAL, YEARS, frame, instance_tables, result_tables

FORGE = {METAL: "b:forge>market:metal"}


def rich_inputs():
    """Tables of the instance."""
    tables = instance_tables()
    is_running = tables["offer_years"]["offer"] == "S"
    closed = {"recipe": [MELT], "year": [YEARS[-1] + 1]}
    terms = "programme kind facility project product value pass_through_share term_years rate_share from_year to_year"
    added = {
        "offer_years": tables["offer_years"].assign(running_t=is_running * 20.0),
        "recipes": tables["recipes"].assign(restoration_usd_per_t=0.0),
        "recipe_closures": pd.DataFrame(closed),
        "recipe_yields": frame("recipe year yield_share", (DIG, 2027, 1.0), (MELT, 2028, 1.0)),
        "lane_years": tables["lane_years"].assign(processing_days=0.0, barred_bits=2),
        "projects": tables["projects"].assign(build_years=1),
        "build_limits": frame("name projects max_projects", ("crews", "E", 1)),
        "share_caps": tables["share_caps"].assign(penalty_usd_per_kg=float("nan")),
        "environment_caps": tables["environment_caps"].assign(is_per_kg=False),
        "subsidies": frame(
            terms,
            ("credit", "production_credit", "smelter", "none", "metal", 4.0, 0.5, 0.0, 0.0, 2027, 2028),
            ("grant", "investment_credit", "mine", "E", "*", 0.2, 0.0, 0.0, 0.0, 2027, 2028),
        ),
        "price_parts": frame(
            "offer year product market kg_per_kg price_usd_per_kg floor_usd_per_kg",
            *[row for t in YEARS for row in (("S", t, "", "", 1.0, 12.0, 52.0), ("S", t, "ore", "x", 2.0, 9.0, 20.0))],
            *[(offer, t, "", "", 1.0, price, 0.0) for offer, price in (("O", 5.0), ("T", 12.0)) for t in YEARS],
        ),
        "project_costs": frame("project cost_musd", ("E", 12.5)),
        "origin_rules": frame("origin_bit rule", (1, "marked"), (2, "elsewhere")),
        "waived": frame("layer place product waived_bits", ("buyer", "market", "metal", 2)),
    }
    return _with_forge({**tables, **added})


def _with_forge(tables):
    """A copy of the smelter without recipes, beside it."""

    def also(name, column, old, **new):
        rows = tables[name]
        return pd.concat([rows, rows[rows[column] == old].assign(**{column: FORGE.get(old, "forge")}, **new)])

    added = {
        "facilities": also("facilities", "facility", "smelter"),
        "capacities": also("capacities", "facility", "smelter"),
        "lanes": also("lanes", "lane", METAL, from_place="forge"),
        "lane_years": also("lane_years", "lane", METAL),
        "lane_classes": also("lane_classes", "lane", METAL),
        "place_classes": also("place_classes", "place", "market"),
    }
    return {**tables, **{name: rows.reset_index(drop=True) for name, rows in added.items()}}


def rich_results():
    """Result tables."""
    tables = result_tables()
    signed = tables["portfolio"]
    signed["committed_t_per_year"] -= 20.0 * (signed["offer"] == "S")
    runs = signed.head(1).assign(kind="running", committed_t_per_year=20.0)
    when = {"point": 1, "shock": "fire@2028", "year": 2028, "period": 1}
    supply = {**when, "pool": 0, "market": "market", "product": "metal", "origin_class": 1, "supply_t": 0.0}
    return {
        **tables,
        "portfolio": pd.concat([signed, runs], ignore_index=True),
        "pools": frame("shock pool facility product", ("fire@2028", 0, "forge", "metal")),
        "supply": pd.DataFrame([supply]),
    }
