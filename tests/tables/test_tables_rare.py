"""Rarer faults of tables: one each, and what is taken although it looks odd."""

from __future__ import annotations

import runpy
import sys
from datetime import date, datetime

import pytest

from optimizer.errors import DataProblem
from optimizer.tables import locate
from optimizer.tables.browse import shared_settings, source_record, table_rows
from optimizer.tables.case import read_base
from optimizer.tables.cells import CellError, parse_cell
from optimizer.tables.locate import data_root, find_case, shipped_cases
from optimizer.tables.package import Field, load_package
from optimizer.tables.workbook_in import text_of


@pytest.mark.parametrize(
    ("table", "old", "new", "column"),
    [
        ("routes", "dig,Mining,mine,source,,concentrate,", "dig,Mining,mine,source,,,", "bundle_form"),
        ("routes", "split,concentrate,bundle,0.9", "split,concentrate,,", "route"),
    ],
)
def test_a_route_that_yields_nothing(alone, table, old, new, column):
    alone.replace(table, old, new)
    if column == "route":
        alone.replace("route_flows", "split,out,x,oxide_x,0.95\n", "")
    assert column in [problem.column for problem in alone.problems() if problem.code == "T038"]


def test_a_basket_with_a_share_that_is_no_number_is_told_once(alone):
    alone.replace("compositions", "kite,x,0.2,true", "kite,x,fifth,true")
    problem = alone.problem()
    assert (problem.code, problem.column, problem.file) == ("T015", "share", "toy/compositions.csv")


def test_a_date_needs_its_dashes():
    field = Field("date", "string", "date", "When", True)
    assert parse_cell("2027-01-31", field) == "2027-01-31"
    for text in ("20270131", "2027-W05-1", "2027-02-30"):
        with pytest.raises(CellError) as problem:
            parse_cell(text, field)
        assert problem.value.code == "T023"


def test_empty_cells_behind_the_last_column_are_no_fault(alone):
    alone.replace("demand", "motors,2027,10\n", "motors,2027,10,,\n")
    assert alone.load().tables["demand"]["demand_t_per_year"].tolist() == [10, 30]


def test_cells_of_a_workbook_are_read_as_a_table_would_say_them():
    told = [
        text_of(cell)
        for cell in (None, True, date(2027, 1, 31), datetime(2027, 1, 31), datetime(2027, 1, 31, 6), 3.0, 2.5, "x")
    ]
    assert told == ["", "true", "2027-01-31", "2027-01-31", "2027-01-31 06:00:00", "3", "2.5", "x"]


def test_a_case_that_is_not_there_names_the_nearest(monkeypatch, tmp_path):
    name = shipped_cases()[0]
    with pytest.raises(DataProblem) as problem:
        find_case(name[:-1])
    (told,) = problem.value.problems
    assert (told.code, told.remedy) == ("T001", f"did you mean `{name}`?")
    monkeypatch.setattr(locate, "cases_root", lambda: tmp_path / "none")
    assert shipped_cases() == []
    with pytest.raises(DataProblem) as problem:
        find_case("nothing like it")
    assert problem.value.problems[0].allowed == "a folder with a case.toml"


@pytest.fixture
def small(shared, monkeypatch):
    """The shared tables of the toy, in place of those with all records."""
    package = load_package(shared.data)
    tables, problems = read_base(package, shared_settings())
    assert not problems
    monkeypatch.setattr("optimizer.tables.browse.read_shared", lambda data=None: (package, tables))


def test_rows_are_found_by_words_for_true_false_and_nothing(small):
    found = table_rows("products", [("is_storable", "true"), ("is_air_freighted", "false")])
    assert [row["product"] for row in found] == ["oxide_x", "rest_k"]
    assert [row["product"] for row in table_rows("products", [("tracked_share", "")])] == [
        "conc_k",
        "rest_k",
    ]


def test_an_unknown_source_or_column_is_told(small, shared):
    with pytest.raises(DataProblem) as problem:
        source_record("scr")
    assert (problem.value.problems[0].code, problem.value.problems[0].remedy) == ("T025", "did you mean `src`?")
    with pytest.raises(DataProblem) as problem:
        source_record("nothing like it")
    assert "sourcing data show sources" in problem.value.problems[0].remedy
    with pytest.raises(KeyError):
        load_package(shared.data).resource("products").field("colour")


def test_the_dictionary_is_written_by_its_module(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["dictionary", str(tmp_path / "page.md")])
    runpy.run_path(str(locate.__file__).replace("locate", "dictionary"), run_name="__main__")
    kept = data_root().parent / "docs" / "data-dictionary.md"
    assert (tmp_path / "page.md").read_text() == kept.read_text()
