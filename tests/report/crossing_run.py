"""A run small enough to write by hand, whose flow from west to east crosses the antimeridian."""

import pandas as pd

from optimizer.results.folder import RunTables

HOSTILE = '</script><script>alert("x")</script><img src=x onerror=hit()> \'"& \N{ROCKET}' + "W" * 500


def table(columns, *rows):
    return pd.DataFrame(list(rows), columns=columns.split())


def results():
    nominal = [
        (p, "nominal", f"b:plant>{to}:metal", "buyer", "plant", to, "metal", 0, y, 0, 50.0)
        for p in (1, 2, 3)
        for y in (2027, 2028)
        for to in ("home",)
    ]
    ore = [
        (p, "nominal", "s:pit>plant:ore", "supplier", "pit", "plant", "ore", 0, y, 0, 100.0)
        for p in (1, 2, 3)
        for y in (2027, 2028)
    ]
    flows = "point shock lane layer from_facility to_facility product origin_class year period flow_t"
    return {
        "frontier": table(
            "point cost_musd loss_months cost_bound_musd gap_share status expected_loss_months worst_loss_months "
            "cost_usd_per_kg",
            (1, 100.0, 4.0, 99.0, 0.01, "optimal", 1.0, 5.0, 50.0),
            (2, 104.0, 1.0, 102.0, 0.0192, "optimal", 0.5, 2.0, 52.0),
            (3, 120.0, 0.5, 110.0, 0.0833, "limit", 0.2, 1.0, 60.0),
        ),
        "bounds": bounds(),
        "segments": table("from_point to_point integers_hash", (1, 2, "a")),
        "portfolio": table(
            "point kind offer facility product stage country_iso3 start_year end_year committed_t_per_year",
            *[(p, "sale", "deal", "plant", "metal", "melt", "JPN", 2027, 2028, 60.0) for p in (1, 2, 3)],
            (2, "qualification", "q", "plant", "metal", "melt", "JPN", 2027, 2028, 0.0),
        ),
        "flows": table(flows, *nominal, *ore),
        "costs": table(
            "point term year cost_musd", *[(p, "purchase", 2027, c) for p, c in enumerate((100.0, 104.0, 120.0), 1)]
        ),
        "shocks": table(
            "shock event name start_year weight rate_per_year window_months in_model story",
            ("fire@2027", "fire", HOSTILE, 2027, 1.0, 0.1, 12.0, True, HOSTILE),
        ),
        "losses": table(
            "point shock loss_months survive_months recover_months",
            *[(p, "fire@2027", x, 1.0, 6.0) for p, x in ((1, 4.0), (2, 1.0), (3, 0.5))],
        ),
        "shares": table(
            "point stage country_iso3 flow_share",
            *[(p, s, c, 1.0) for p in (1, 2, 3) for s, c in (("dig", "NZL"), ("melt", "JPN"))],
        ),
    }  # fmt: skip


def bounds():
    none = float("nan")
    return table(
        "proof kind max_loss_months weight bound_musd max_cost_musd status",
        (1, "cap", none, 0.0, 99.0, none, "ok"),
        (2, "cap", 1.0, 0.0, 102.0, none, "ok"),
        (3, "weight", none, 2.0, 105.0, none, "ok"),
        (4, "infeasible", 0.2, 0.0, none, none, "ok"),
        (5, "cap", 0.6, 0.0, 130.0, 111.0, "ok"),
    )


def inputs(name="Plant"):
    return {
        "stages": table("position stage", (0, "dig"), (1, "melt")),
        "facilities": table(
            "facility name operator country_iso3 latitude longitude stage status is_aggregate origin_bits",
            ("pit", "Pit", "A", "NZL", -41.0, 174.0, "dig", "operating", False, 0),
            ("plant", name, "B", "JPN", 35.0, 139.0, "melt", "operating", False, 0),
            ("idle", "Idle", "C", "CHL", -30.0, -70.0, "dig", "planned", False, 0),
        ),
        "markets": table("market name country_iso3 latitude longitude", ("home", "Home", "USA", 37.0, -122.0)),
        "products": table("product name form", ("metal", "Metal", "metal"), ("ore", "Ore", "ore")),
        "lanes": table(
            "lane mode passages from_port to_port",
            ("b:plant>home:metal", "air", "panama", "", ""),
            ("s:pit>plant:ore", "land", "", "", ""),
        ),
        "settings": table("key value", ("first_year", "2027"), ("last_year", "2028")),
    }


def manifest(title="A small case"):
    return {
        "case": "small", "title": title, "question": "Which plant?", "measure": {"kind": "cvar", "alpha": 0.8},
        "certificate": {"mean_gap_share": 0.02, "max_gap_share": 0.08}, "seconds": {"total": 3.2}, "status": "complete",
    }  # fmt: skip


def crossing_run(path, title="A small case", name="Plant"):
    return RunTables(path, results(), inputs(name), manifest(title))
