"""The page on shocks shows the table as it is, and the chart draws every hazard."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.errors import UsageProblem
from optimizer.report.hazard_chart import write_rates_chart
from optimizer.shocks.document import documented, hazard_table, main, read_hazard_rows

PAGE = Path(__file__).parents[2] / "docs" / "shocks.md"


def test_page_is_up_to_date(tmp_path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert documented(text, hazard_table(read_hazard_rows())) == text
    copy = tmp_path / "page.md"
    copy.write_text(text.replace("| canal |", "| lock |", 1), encoding="utf-8")
    assert main([str(copy)]) == 0
    assert copy.read_text(encoding="utf-8") == text
    with pytest.raises(UsageProblem):
        documented("no marks", "")


def test_chart_of_the_page_is_up_to_date(tmp_path) -> None:
    made = write_rates_chart(read_hazard_rows(), tmp_path / "hazards.svg")
    assert made.read_bytes() == (PAGE.parent / "img" / "hazards.svg").read_bytes()
    for row in read_hazard_rows():
        assert row["name"].split()[0] in made.read_text(encoding="utf-8")
