import hashlib

import numpy as np
import pandas as pd
import pytest
from hand_made_run import result_tables
from hypothesis import given
from hypothesis import strategies as st

from optimizer.results.extract import shaped
from optimizer.results.write import guarded, read_csv_table, read_tables, rounded, unguarded, write_table, write_tables


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@cmd", " =x", "\t=x", "'quoted", "\uff1d1"])
def test_formula_text_is_prefixed(text):
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "plain", "a=b", "1-2", "s:mine>smelter:ore"])
def test_plain_text_is_left_alone(text):
    assert guarded(text) == text


@given(st.text())
def test_prefix_is_reversible(text):
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize(
    ("value", "result"),
    [(1 / 3, 0.333333333), (2e9 / 3, 666666667.0), (123456789012.0, 123456789000.0), (1.23456789012e-7, 1.23456789e-7),
     (-1e-300, -1e-300), (0.1 + 0.2, 0.3), (0.0, 0.0), (1.5, 1.5)],
)  # fmt: skip
def test_nine_significant_digits(value, result):
    assert rounded(np.array([value]))[0] == result


@given(st.floats(1e-9, 1e12))
def test_rounding_gives_the_shortest_decimal(value):
    assert (
        repr(float(rounded(np.array([value]))[0])) == repr(float(f"{value:.9g}"))
        or abs(rounded(np.array([value]))[0] / value - 1) <= 0.51e-8
    )  # ties may fall either way


def test_minus_zero_and_missing_numbers():
    out = rounded(np.array([-0.0, np.nan, np.inf]))
    assert str(out[0]) == "0.0"
    assert np.isnan(out[1])
    assert np.isinf(out[2])


@pytest.mark.parametrize("name", ["flows", "portfolio", "frontier", "bounds", "shocks", "prices"])
def test_csv_and_parquet_have_the_same_content(tmp_path, name):
    frame = shaped(name, result_tables()[name])
    if name == "portfolio":
        frame["offer"] = ["=HYPERLINK(1)", "'x", "-1", "NA", "null", ""]
    write_table(tmp_path, name, frame)
    from_csv = read_csv_table(tmp_path / f"{name}.csv")
    pd.testing.assert_frame_equal(from_csv, read_tables(tmp_path)[name], check_dtype=len(frame) > 0)


def test_same_tables_same_bytes_whatever_the_order(tmp_path):
    tables = {name: shaped(name, frame) for name, frame in result_tables().items()}
    write_tables(tmp_path / "a", tables)
    write_tables(tmp_path / "b", {name: frame.iloc[::-1] for name, frame in reversed(tables.items())})

    def digest(folder):
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / folder).iterdir()}

    assert digest("a") == digest("b")
    assert len(digest("a")) == 2 * len(tables)
