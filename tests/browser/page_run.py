"""Runs for the page, written by hand: thirty plans on a hyperbola, with hostile text if asked for."""

import json

import pandas as pd

from optimizer.report.page import page
from optimizer.report.view import RunView
from optimizer.results.folder import RunTables
from optimizer.results.write import write_tables

SCRIPT = "<script>window.hit=1;alert(1)</script>"
HOSTILE = f'=HYPERLINK("x") {SCRIPT}<img src=x onerror="window.hit=2">\' \u202eright\u202c \N{ROCKET} ' + "W" * 500
YEARS = range(2027, 2031)


def table(columns, rows):
    return pd.DataFrame(list(rows), columns=columns.split())


def losses_of(count):
    """Point → months lost: from 4 down, points evenly apart."""
    return {k: 4.0 - 3.6 * (k - 1) / max(1, count - 1) for k in range(1, count + 1)}


def synthetic(folder, count=30, hostile=False):
    """A run of ``count`` plans over 24 plants; plan k signs k mod 7 + 1 contracts."""
    bad = HOSTILE if hostile else ""
    losses = losses_of(count)
    costs = {k: 100.0 + 40.0 / (losses[k] + 0.5) for k in losses}
    tables = {
        "frontier": table(
            "point cost_musd loss_months cost_bound_musd gap_share status expected_loss_months worst_loss_months "
            "cost_usd_per_kg",
            [(k, costs[k], losses[k], costs[k] - 0.5, 0.5 / costs[k], "optimal", losses[k] / 9, losses[k] * 2,
              costs[k] / 2) for k in losses],
        ),
        "bounds": table(
            "proof kind max_loss_months weight bound_musd max_cost_musd status",
            [(k, "cap", losses[k], 0.0, costs[k] - 0.5, float("nan"), "ok") for k in losses],
        ),
        "segments": table("from_point to_point integers_hash", [(1, 2, "a")]),
        "portfolio": table(
            "point kind offer facility product stage country_iso3 start_year end_year committed_t_per_year",
            [(k, "sale", f"deal-{j}", f"plant-{j}", "metal", "melt", "JPN", 2027, 2030, 10.0 * (k + j))
             for k in losses for j in range(k % 7 + 1)]
            + [(k, "qualification", "q", "plant-9", "metal", "melt", "NZL", 2029, 2030, 0.0) for k in losses if k > 1],
        ),
        "flows": table(
            "point shock lane layer from_facility to_facility product origin_class year period flow_t",
            [(k, "nominal", f"b:{j}", "buyer", f"plant-{j}", "home", "metal", 0, y, 0, 20.0 + j)
             for k in losses for j in range(k % 7 + 1) for y in YEARS],
        ),
        "stock": table(
            "point shock place product origin_class year period stock_t",
            [(k, "nominal", "home", "metal", 0, y, 0, float(k)) for k in losses for y in YEARS],
        ),
        "costs": table(
            "point term year cost_musd",
            [(k, term, 2027, costs[k] * x) for k in losses for term, x in (("purchase", 0.8), ("freight", 0.2))],
        ),
        "shocks": table(
            "shock event name start_year weight rate_per_year window_months in_model story",
            [(f"fire-{e}@{y}", f"fire-{e}", f"Fire {e} {bad}", y, 0.1, 0.1, 12.0, True, f"It burns. It starts in {y}.")
             for e in range(6) for y in YEARS],
        ),
        "losses": table(
            "point shock loss_months survive_months recover_months",
            [(k, f"fire-{e}@{y}", losses[k] / (e + 1), 1.0, 6.0) for k in losses for e in range(6) for y in YEARS],
        ),
        "shares": table(
            "point stage country_iso3 flow_share",
            [(k, stage, c, share) for k in losses for stage in ("dig", "melt")
             for c, share in (("JPN", 0.6 + 0.01 * k), ("NZL", 0.4 - 0.01 * k))],
        ),
        "environment": table(
            "point indicator facility value unit",
            [(k, "ghg_kgco2e", f"plant-{j}", 1e6 * (k + j), "kg CO2e") for k in losses for j in range(5)],
        ),
        "commitments": table(
            "point offer year committed_t lifted_t paid_t",
            [(k, "deal-0", y, 10.0 * k, 10.0 * k, 10.0 * k) for k in losses for y in YEARS],
        ),
    }  # fmt: skip
    manifest = {
        "case": "made", "title": bad or "A made case", "question": bad or "Which plant?", "status": "complete",
        "measure": {"kind": "cvar", "alpha": 0.8}, "certificate": {"mean_gap_share": 0.004, "max_gap_share": 0.005},
    }  # fmt: skip
    run = RunTables(folder, tables, inputs(bad), manifest)
    write_case(folder, bad)
    summary = table("point samples measure_months", [(k, 100, losses[k]) for k in losses])
    write_tables(folder / "stress", {"stress_summary": summary})
    return run


def inputs(bad):
    return {
        "stages": table("position stage", [(0, "dig"), (1, "melt")]),
        "facilities": table(
            "facility name operator country_iso3 latitude longitude stage status",
            [(f"plant-{j}", f"Plant {j} {bad}", "A", "JPN" if j < 9 else "NZL", 30.0 + j / 3, 130.0 + j / 2,
              "melt" if j % 2 else "dig", "operating") for j in range(24)],
        ),
        "markets": table("market name country_iso3 latitude longitude", [("home", f"Home {bad}", "USA", 37.0, -122.0)]),
        "products": table("product name form", [("metal", f"Metal {bad}", "metal")]),
        "lanes": table("lane mode passages from_port to_port", [(f"b:{j}", "sea", "", "", "") for j in range(24)]),
        "demand": table("market year demand_t", [("home", y, 100.0) for y in YEARS]),
        "qualifications": table("qualification facility product lead_time_years", [("q", "plant-9", "metal", 1.25)]),
        "settings": table("key value", [("first_year", "2027"), ("last_year", "2030")]),
    }  # fmt: skip


def write_case(folder, bad):
    case = folder / "case"
    case.mkdir(parents=True)
    offers = [
        {"offer": f"deal-{j}", "facility": f"plant-{j}", "price_usd_per_kg": 50, "price_low_usd_per_kg": 40,
         "price_high_usd_per_kg": 70, "source_id": "s", "confidence": "assumed", "note": f"Guessed {bad}"}
        for j in range(7)
    ]  # fmt: skip
    pd.DataFrame(offers).to_csv(case / "offers.csv", index=False)
    source = {
        "source_id": "s",
        "title": f"A book {bad}".strip(),
        "publisher": "P",
        "date": "2025",
        "url": "javascript:alert(3)",
    }
    pd.DataFrame([source]).to_csv(case / "sources.csv", index=False)


def written(run, folder):
    """The page of a run in a file; returns its address."""
    file = folder / "report.html"
    file.write_text(page(RunView(run), {"offers": 1.0, "demand": 0.0}), encoding="utf-8")
    return file.as_uri()


def audited(folder):
    (folder / "audit.json").write_text(json.dumps({"checks": [{"passed": True}, {"passed": True}]}))
