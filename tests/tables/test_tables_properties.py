"""Whatever stands in a file, reading it ends in rows or in problems, and the order of rows changes nothing else."""

import random

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optimizer.tables.case_file import read_settings
from optimizer.tables.cells import CellError, parse_cell
from optimizer.tables.locate import data_root
from optimizer.tables.package import Field, load_package
from optimizer.tables.read import read_table, to_frame

RELAXED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CSV_LIKE = st.text(alphabet='ab,;"\n\r\x00é1.-e=é\ufeff\t ', max_size=80)


@RELAXED
@given(st.one_of(st.binary(max_size=80), CSV_LIKE.map(str.encode)), st.booleans())
def test_any_bytes_end_in_rows_or_problems(tmp_path, content, has_header):
    resource = load_package(data_root()).resource("demand")
    file = tmp_path / "demand.csv"
    file.write_bytes((b"market,year,demand_t_per_year\n" if has_header else b"") + content)
    table, problems = read_table(file, resource, "demand.csv", is_own=True)
    for problem in problems:
        assert problem.code
        assert problem.file == "demand.csv"
        assert problem.allowed
        assert problem.remedy
        assert str(problem).isprintable()
    assert problems or all(set(row.values) <= set(resource.columns) for row in table.rows)


@RELAXED
@given(st.one_of(st.binary(max_size=80), st.text(alphabet='[]{}="\n.a1#', max_size=60).map(str.encode)))
def test_any_bytes_as_settings_end_in_problems(tmp_path, content):
    (tmp_path / "case.toml").write_bytes(content)
    settings_, problems = read_settings(tmp_path / "case.toml", "case.toml")
    assert settings_ is None
    assert problems
    assert all(str(problem).isprintable() for problem in problems)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_number_is_read_as_written_or_refused(value):
    field = Field("x", "number", "", "", True)
    if abs(value) <= 1e12:
        assert parse_cell(repr(value), field) == value
    else:
        with pytest.raises(CellError, match="T016"):
            parse_cell(repr(value), field)


@RELAXED
@given(st.integers(0, 10**6))
def test_order_of_rows_changes_only_their_order(tmp_path, seed):
    resource = load_package(data_root()).resource("demand")
    rows = [f"m{number % 3},{2027 + number // 3},{number}.5" for number in range(9)]
    random.Random(seed).shuffle(rows)
    file = tmp_path / "demand.csv"
    file.write_text("market,year,demand_t_per_year\n" + "\n".join(rows) + "\n")
    table, problems = read_table(file, resource, "demand.csv", is_own=True)
    assert problems == []
    frame = to_frame(resource, table.rows).sort_values(["year", "market"], ignore_index=True)
    expected = pd.Series([number + 0.5 for number in range(9)], name="demand_t_per_year")
    pd.testing.assert_series_equal(frame["demand_t_per_year"], expected)
    assert [row.line for row in table.rows] == list(range(2, 11))
