"""The table of hazards in the documentation: ``python -m optimizer.shocks.document docs/shocks.md``.

What stands between the two marks of the page is replaced by the table as the data say it; a test fails when the page is
out of date.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from optimizer.errors import UsageProblem
from optimizer.tables.locate import data_root

BEGIN, END = "<!-- hazards -->", "<!-- /hazards -->"

HEADS = ("cause", "hazard", "cases", "exposure, years", "rate a year (90 %)", "median, months (90 %)", "depth (90 %)")


def hazard_table(hazards: Iterable[Mapping[str, str]]) -> str:
    """Markdown table of hazards by cause and name; each figure with the interval of its mean or median."""
    rows = sorted(hazards, key=lambda row: (row["cause"], row["hazard"]))
    lines = [_line(HEADS), _line(("---",) * len(HEADS))]
    for row in rows:
        one_of = f" (one {row['drawn']})" if row["drawn"] else ""
        rate = _with_interval(row["rate_per_year"], row["low"], row["high"], 3)
        months = _with_interval(row["median_months"], row["median_low_months"], row["median_high_months"], 1)
        depth = _with_interval(row["depth_share"], row["depth_low_share"], row["depth_high_share"], 2)
        name = f"`{row['hazard']}`{one_of}"
        lines.append(_line((row["cause"], name, row["event_count"], row["exposure_years"], rate, months, depth)))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _with_interval(value: str, low: str, high: str, digits: int) -> str:
    return f"{float(value):.{digits}f} ({float(low):.{digits}f}-{float(high):.{digits}f})"


def documented(page: str, table: str) -> str:
    """The page with the table between its marks.

    Raises:
        UsageProblem: the page lacks the marks.
    """
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise UsageProblem(f"the page needs {BEGIN} and {END}, each once")
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}"


def read_hazard_rows(data: Path | None = None) -> list[dict[str, str]]:
    """Rows of the table hazards as text."""
    with ((data or data_root()) / "hazards.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main(arguments: Sequence[str]) -> int:
    """Bring the page given up to date."""
    if len(arguments) != 1:
        raise UsageProblem("give the page, docs/shocks.md")
    page = Path(arguments[0])
    text = documented(page.read_text(encoding="utf-8"), hazard_table(read_hazard_rows()))
    made = page.with_suffix(".partial")
    made.write_text(text, encoding="utf-8")
    os.replace(made, page)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
