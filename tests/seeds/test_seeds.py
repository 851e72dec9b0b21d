"""Every founding claim acts somewhere, or says why not: each reference is followed to its place.

References are parted by semicolons. ``data/TABLE.csv`` is a table of the package, ``data/TABLE.csv#KEY`` the row
with that key, its parts joined by ``|``. With ``@COLUMN`` that cell holds the quantity of the claim (per cent count as
shares), with ``@COLUMN!VALUE`` it holds that value, with ``~COLUMN`` it holds something else, and the row says how that
was resolved. Others are names of what stands before the colon: ``event:``, ``hazard:``, ``regime:``, ``rule:`` (a
constraint), ``setting:`` (a key of ``case.toml``), ``case:`` and ``toy:``.
"""

import csv
import math
import re

import pytest

from optimizer.model.registry import FIRST_STAGE, RECOURSE
from optimizer.tables.browse import read_shared
from optimizer.tables.case_file import known_keys
from optimizer.tables.locate import data_root
from optimizer.tables.read import key_text

ROOT = data_root().parent
COLUMNS = ["fact", "document", "topic", "claim", "quantity", "unit", "period"]
COLUMNS += ["acts_as", "reference", "reason", "checked_against", "resolution"]
ACTS_AS = {"table_row", "constraint", "shock", "hazard", "regime", "case", "setting", "none"}
NEEDED = {
    "constraint": "rule:",
    "shock": "event:|hazard:|data/event_effects|data/licence_experience",
    "hazard": "hazard:",
}
NEEDED |= {"regime": "regime:", "case": "case:", "setting": "setting:|data/stock_policies|data/alliance_rules"}
NEEDED |= {"table_row": "data/"}
PLACE = re.compile(r"data/(?P<table>\w+)\.csv(#(?P<key>[^@~]*)(?P<how>[@~])?(?P<column>\w+)?(!(?P<value>[\d.]+))?)?")


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


FACTS = read(ROOT / "seeds" / "facts.csv")
_, TABLES = read_shared()
ROWS = {name: {key_text(table.key(row)): row for row in table.rows} for name, table in TABLES.items()}
NAMES = {
    "event": set(ROWS["events"]),
    "hazard": set(ROWS["hazards"]),
    "regime": set(ROWS["regimes"]),
    "rule": {rule.name for rule in (*FIRST_STAGE, *RECOURSE)},
    "setting": {name for name, _ in known_keys()},
    "case": {path.parent.name for path in (ROOT / "cases").glob("*/case.toml")},
    "toy": {path.parent.name for path in (ROOT / "tests" / "toys").glob("*/case.toml")},
}


def wrong(reference, quantity=None, unit=""):
    """Return what is wrong with a reference, or nothing."""
    kind, _, name = reference.partition(":")
    if not reference.startswith("data/"):
        return None if name in NAMES.get(kind, ()) else f"no {kind} `{name}`"
    place = PLACE.fullmatch(reference)
    if place is None or place["table"] not in TABLES:
        return "no such table"
    if place["key"] is None:
        return None
    row = ROWS[place["table"]].get(place["key"])
    if row is None:
        return f"no row `{place['key']}`"
    if place["how"] is None:
        return None
    found = row[place["column"]] if place["column"] in TABLES[place["table"]].resource.columns else None
    if found is None:
        return f"nothing in column {place['column']}"
    stated = float(place["value"]) if place["value"] else None
    if stated is None and quantity is not None:
        stated = quantity / 100 if unit == "percent" else quantity
    if stated is None:
        return None
    agrees = math.isclose(float(found), stated, rel_tol=0.005, abs_tol=1e-9)
    return None if agrees == (place["how"] == "@") else f"{found} against {stated:g}"


def parts(text):
    return [part for part in text.split(";") if part]


def test_the_facts_have_the_columns_and_one_claim_a_row():
    assert list(FACTS[0]) == COLUMNS
    names = [row["fact"] for row in FACTS]
    assert len(names) == len(set(names)) >= 96
    assert len({row["claim"] for row in FACTS}) == len(FACTS)
    documents = {row["document"] for row in FACTS}
    assert len(documents) == 5
    for row in FACTS:
        assert row["topic"], row["fact"]
        assert row["document"].startswith(f"00{row['fact'][1]}_"), row["fact"]
        assert (row["quantity"] == "") or row["unit"], row["fact"]


def test_no_claim_stands_without_where_it_acts_and_why():
    for row in FACTS:
        assert row["acts_as"] in ACTS_AS, row["fact"]
        assert row["reason"], row["fact"]
        if row["acts_as"] != "none":
            assert any(re.match(NEEDED[row["acts_as"]], part) for part in parts(row["reference"])), row["fact"]


@pytest.mark.parametrize("row", FACTS, ids=[row["fact"] for row in FACTS])
def test_every_reference_of_a_claim_leads_to_its_place(row):
    quantity = float(row["quantity"]) if row["quantity"] else None
    found = {part: wrong(part, quantity, row["unit"]) for part in parts(row["reference"])}
    assert {part: fault for part, fault in found.items() if fault} == {}


def test_claims_that_disagree_with_a_table_or_each_other_say_how_it_was_resolved():
    disagreeing = [row for row in FACTS if "~" in row["reference"]]
    assert {"S4-02", "S2-04", "S0-07"} <= {row["fact"] for row in disagreeing}
    assert [row["fact"] for row in disagreeing if not row["resolution"]] == []
    by_name = {row["fact"]: row for row in FACTS}
    for one, other in (("S2-05", "S4-08"), ("S4-02", "S1-27"), ("S0-17", "S3-16"), ("S2-04", "S4-09")):
        assert by_name[one]["resolution"] or by_name[other]["resolution"]
    for row in FACTS:
        for other in parts(row["checked_against"]):
            assert other in by_name, (row["fact"], other)
            assert other != row["fact"]


def test_a_reference_that_leads_nowhere_is_found():
    assert wrong("data/nothing.csv") == "no such table"
    assert wrong("data/regimes.csv#no-such") == "no row `no-such`"
    assert wrong("rule:no_such_rule") == "no rule `no_such_rule`"
    share = "data/world_shares.csv#separation|all|CHN|2023|f-seaisi-iea24@reported_share"
    assert wrong(share, 92.0, "percent") is None
    assert wrong(share, 87.0, "percent") == "0.92 against 0.87"
    assert wrong(share.replace("@", "~"), 92.0, "percent") == "0.92 against 0.92"


def test_the_page_counts_the_claims_and_names_every_mechanism():
    page = (ROOT / "seeds" / "README.md").read_text(encoding="utf-8")
    acting = [row for row in FACTS if row["acts_as"] != "none"]
    assert f"{len(FACTS)} claims" in page
    assert f"{len(acting)} act" in page
    for word in ACTS_AS:
        assert f"`{word}` {sum(row['acts_as'] == word for row in FACTS)}" in page
    page = page.split("## Mechanisms")[1]
    mentioned = re.findall(r"`((?:data|event|hazard|regime|rule|setting|case|toy)[:/][^`]+)`", page)
    assert len(mentioned) > 30
    assert {part: fault for part in mentioned if (fault := wrong(part))} == {}


ASSUMPTIONS = [row.values for row in TABLES["assumptions"].rows]


@pytest.mark.parametrize("row", ASSUMPTIONS, ids=[row["assumption"] for row in ASSUMPTIONS])
def test_an_assumption_has_a_range_a_reason_and_its_place(row):
    assert row["low"] <= row["value"] <= row["high"]
    assert row["low"] < row["high"]
    assert row["confidence"] == "assumed"
    assert len(row["note"]) > 20
    for part in parts(row["place"] or ""):
        assert wrong(part, row["value"]) is None


def test_the_line_stop_of_the_settings_is_that_of_the_table():
    defaults = {name: field.default for name, field in known_keys()}
    stated = ROWS["assumptions"]["line-stop"]["value"]
    assert defaults["shortfall.line_stop_usd_per_kg"] == stated
    assert defaults["contracts.surge_share"] == ROWS["assumptions"]["terms-surge"]["value"]
