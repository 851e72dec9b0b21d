"""`sourcing data`: any figure with its provenance and its uses, readable on a narrow terminal."""

import json

import pytest

from optimizer.cli.main import main


@pytest.fixture
def told(capsys, monkeypatch):
    """Call `sourcing data …` on a terminal of 80 columns: (exit code, stdout, stderr)."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(*words):
        with pytest.raises(SystemExit) as ended:
            main(["data", *words])
        found = capsys.readouterr()
        return int(ended.value.code or 0), found.out, found.err

    return call


def test_a_row_is_shown_whole_with_source_place_and_uses(told):
    code, out, _ = told("show", "facilities", "--where", "facility=mp-10x-magnet")
    assert code == 0
    for text in ("7000 t/yr", "f-inn-mp-10x", "derived", "data/facilities.csv, line", "Facility.capacity_t"):
        assert text in out
    for use in ("offtakes: mp-10x-magnet|US government", "facility_routes, 3 rows", "plants: mp-10x-magnet"):
        assert use in out
    assert max(len(line) for line in out.splitlines()) <= 80


def test_an_event_shows_what_it_does_and_which_case_draws_it(told):
    record = json.loads(told("show", "events", "--where", "event=licence-wave", "--json")[1])
    assert record["feeds"] == ["Shock.rate_per_year", "Shock.story"]
    where = {use["where"] for use in record["rows"][0]["used_by"]}
    assert "event_effects" in where
    assert {"low", "high", "confidence", "source", "note", "line"} <= set(record["rows"][0])


def test_a_case_that_names_a_row_is_told(told):
    record = json.loads(told("show", "facilities", "--where", "facility=chn-jlmag-group", "--json")[1])
    assert "case allied-magnets: qualified.csv" in {use["where"] for use in record["rows"][0]["used_by"]}


def test_many_rows_become_a_table(told):
    code, out, err = told("show", "production_quotas")
    assert code == 0
    assert "quota_t_reo [t]" in out
    assert "--where" in err


def test_a_record_table_feeds_nothing(told):
    record = json.loads(told("show", "recoveries", "--where", "record=rcv-001", "--json")[1])
    assert (record["feeds"], record["rows"][0]["used_by"]) == ([], [])


def test_numbers_are_found_as_they_are_typed(told):
    record = json.loads(told("show", "unit_demand", "--where", "need_kg=650", "--json")[1])
    assert [row["unit_made"] for row in record["rows"]] == ["MW offshore wind, direct drive"]


def test_a_source_lists_model_rows_and_records(told):
    code, out, _ = told("source", "f-argus-viewpoint25")
    assert code == 0
    assert "Argus" in out
    record = json.loads(told("source", "f-argus-viewpoint25", "--json")[1])
    assert {use["kind"] for use in record["used_by"]} == {"model", "record"}


def test_a_further_source_counts_as_a_use(told):
    record = json.loads(told("source", "m-comtrade-chn2846", "--json")[1])
    assert "country_production" in {use["table"] for use in record["used_by"]}


def test_unknown_names_are_told_with_the_nearest(told):
    code, _, err = told("show", "facilites")
    assert code == 1
    assert "facilities" in err
    code, _, err = told("show", "facilities", "--where", "colour=red")
    assert (code, "T013" in err) == (1, True)


def test_the_check_shows_the_world_and_every_open_gap_with_its_reason(told):
    code, out, _ = told("check")
    assert code == 0
    for text in ("World balance of 2025", "Shares of world output", "median y", "all checks passed"):
        assert text in out
    record = json.loads(told("check", "--json")[1])
    assert record["passed"]
    open_steps = [step for step in record["balance"] if not step["closes"]]
    assert open_steps
    assert all(" ".join(step["why_open"].split()[:3]) in " ".join(out.split()) for step in open_steps)
    assert all({"points", "why_apart"} <= set(share) and "row" not in share for share in record["shares"])


def test_every_part_of_the_model_named_exists():
    from optimizer.chain import instance
    from optimizer.tables.uses import FEEDS

    for parts in FEEDS.values():
        for part in parts:
            name, _, attribute = part.partition(".")
            fields = getattr(instance, name).__dataclass_fields__
            assert not attribute or attribute in fields, part
