"""The table hazards is what the record says: regenerated, counted by part played, escalation by hand."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest

from optimizer.shocks.estimate import ESTIMATED, estimated_hazards, hazards_text, main, recorded_cases
from optimizer.tables.locate import data_root

DATA = data_root()


def record(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(columns, dtype=object)


HAZARDS = record(
    hazard=["mild", "harsh", "unseen"], cause=["trade", "trade", "fire"], exposure_years=["20", "20", "50"],
    escalates_to=["harsh", None, None], **dict.fromkeys(ESTIMATED, [None] * 3),
)  # fmt: skip
DISRUPTIONS = record(
    disruption=["a", "b", "c", "d", "e"],
    hazard=["mild", "mild", "mild", "harsh", "mild"],
    role=["counted", "counted", "phase", "counted", "near_miss"],
    follows=[None, None, "b", "a", None],
    duration_months=["4", "6", "2", "9", "30"],
    is_running=["false", "false", "false", "true", "false"],
    depth_share=["0.5", "0.7", None, "1", "0"],
)
INCIDENTS = record(incident=["i", "j"], hazard=["unseen", "mild"], role=["counted", "same"], duration_months=["3", "4"])


def test_shipped_hazards_are_what_the_record_makes() -> None:
    assert (DATA / "hazards.csv").read_text(encoding="utf-8") == hazards_text(DATA)


def test_only_starts_are_counted_and_the_rest_is_kept() -> None:
    found = estimated_hazards(HAZARDS, DISRUPTIONS, INCIDENTS).set_index("hazard")
    assert list(found["event_count"]) == [2, 1, 1]
    assert (found["low"] < found["rate_per_year"]).all()
    assert (found["rate_per_year"] < found["high"]).all()
    assert list(found["cause"]) == ["trade", "trade", "fire"]
    assert found.loc["mild", "rate_per_year"] > found.loc["harsh", "rate_per_year"]


def test_escalation_counts_what_followed() -> None:
    # Two starts of the milder hazard, one followed by the harsher: (0.5 + 1) / (0.5 + 1.5 + 2).
    found = estimated_hazards(HAZARDS, DISRUPTIONS, INCIDENTS).set_index("hazard")
    assert found.loc["mild", "escalation_share"] == pytest.approx(1.5 / 4)
    assert pd.isna(found.loc["harsh", "escalation_share"])


def test_command_prints_the_table_and_tells_whether_it_is_up_to_date(tmp_path, capsys) -> None:
    for name in ("hazards", "disruptions", "incidents"):
        (tmp_path / f"{name}.csv").write_bytes((DATA / f"{name}.csv").read_bytes())
    assert main(["--data", str(tmp_path)]) == 0
    printed = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["hazard"] for row in printed] == [row["hazard"] for row in rows("hazards")]
    file = tmp_path / "hazards.csv"
    file.write_text(file.read_text().replace(",lognormal,", ",lognormal,9", 1))
    assert main(["--data", str(tmp_path)]) == 1
    assert main(["--data", str(tmp_path), "--write"]) == 0
    assert file.read_bytes() == (DATA / "hazards.csv").read_bytes()
    assert not list(tmp_path.glob("*.partial"))


def rows(table: str) -> list[dict[str, str]]:
    with (DATA / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_record_is_whole_and_points_at_things_that_exist() -> None:
    disruptions, incidents = rows("disruptions"), rows("incidents")
    names, hazards = {row["disruption"] for row in disruptions}, {row["hazard"] for row in rows("hazards")}
    sources = {row["source_id"] for row in rows("sources")}
    assert len(disruptions) == 61
    assert {row["hazard"] for row in disruptions} <= hazards
    assert {row["hazard"] for row in incidents} <= hazards | {""}
    assert {row["follows"] for row in disruptions} <= names | {""}
    assert all(row["same_as"] in names for row in incidents if row["role"] == "same")
    assert all(bool(row["end"]) != (row["is_running"] == "true") for row in disruptions)
    assert all(row["role"] != "counted" or row["depth_share"] != "0.0" for row in disruptions)
    tables = (disruptions, incidents, rows("country_risks"), rows("hazards"), rows("hazard_effects"))
    assert {row["source_id"] for table in tables for row in table} <= sources
    others = {name for row in disruptions for name in row["more_source_ids"].split(";") if name}
    assert others <= sources


def test_every_counted_case_is_in_the_table() -> None:
    cases = recorded_cases(pd.DataFrame(rows("disruptions")), pd.DataFrame(rows("incidents")))
    assert sum(case.role == "counted" for case in cases) == sum(int(row["event_count"]) for row in rows("hazards"))
