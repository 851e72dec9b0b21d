"""Every shipped case to a certified frontier, and one table of them all.

    python benchmarks/cases.py [--only NAME ...] [--time-limit S] [--workers N] [--runs DIR] [--whole] [--write PAGE]

Each case is a run of its own below ``--runs`` (a temporary folder unless given), with the reasons for the recommended
plan; ``--whole`` makes all that ``sourcing run`` makes (stress, charts, map, page). A complete run that is there is
taken as it is if case and tables are unchanged, and an unfinished one is gone on with, so the script can be broken off.
``--write`` puts the table between the marks of a page and leaves the rows of cases that were not asked for.
"""

import argparse
import tempfile
from pathlib import Path

from optimizer.errors import SourcingError
from optimizer.jobs.explain import Depth, explain_run
from optimizer.jobs.frontier import frontier_of, run_case
from optimizer.jobs.prepare import Options
from optimizer.results.folder import read_run
from optimizer.tables.locate import shipped_cases

MARKS = ("<!-- written by benchmarks/cases.py: begin -->", "<!-- end -->")
HEADS = (
    "case",
    "points",
    "cost, MUSD",
    "loss, months",
    "mean gap",
    "largest gap",
    "what binds most in the recommended plan",
    "seconds",
    "audit",
)
MOST = 3
"""Limits named per case."""
SURE = ("demand_balance", "loss_cap")
"""Not named: more demand always costs, and the cap on loss is what a point of the frontier is."""


def solved(name, runs, options, is_whole):
    """Folder of the run of a case, made, gone on with or found."""
    if is_whole:
        return run_case(name, runs / name, options, resumes=True).path
    return frontier_of(name, runs / name, options, resumes=True).path


def binding(folder):
    """Limits whose next unit saves most in the recommended plan, each with its worth a year."""
    limits = explain_run(folder, None, Depth()).part.tables["explain_limits"]
    own = limits[(limits["scope"] == "all") & ~limits["constraint"].isin(SURE) & (limits["worth_musd"] > 0)]
    if own.empty:
        return "nothing but demand and the cap on loss"
    own = own.assign(group=own["limit"].str.partition(": ")[0])
    most = own.sort_values(["worth_musd", "limit"], ascending=[False, True]).drop_duplicates("limit").head(MOST)
    return "; ".join(f"{row['limit']} ({row['usd_per_year'] / 1e3:,.3g} kUSD a year)" for _, row in most.iterrows())


def row_of(name, folder):
    """One row of the table, as texts."""
    run = read_run(folder)
    points, manifest = run.tables["frontier"], run.manifest
    if not len(points):
        return [name, "0", "-", "-", "-", "-", f"no plan: {manifest['status']}", "-", "-"]
    proven = manifest["certificate"]
    cost, loss = points["cost_musd"], points["loss_months"]
    return [
        name,
        str(len(points)) + ("" if manifest["status"] == "complete" else f" ({manifest['status']})"),
        f"{cost.min():,.1f} to {cost.max():,.1f}",
        f"{loss.max():.2f} to {loss.min():.2f}",
        f"{proven['mean_gap_share']:.2%}",
        f"{proven['max_gap_share']:.2%}",
        binding(folder).replace("|", " "),
        f"{manifest['seconds']['total']:.0f}",
        "passed" if run.audit["passed"] else "FAILED",
    ]


def table_of(rows):
    """The table in Markdown."""
    lines = ["| " + " | ".join(HEADS) + " |", "|" + "---|" * len(HEADS)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def rows_in(page):
    """Rows that a page holds between the marks, by case."""
    held = page.read_text(encoding="utf-8").partition(MARKS[0])[2].partition(MARKS[1])[0]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in held.strip().splitlines()]
    return {row[0]: row for row in cells if len(row) == len(HEADS) and row[0] in shipped_cases()}


def write(rows, page):
    """Put the rows into a page, beside those of other cases that it holds."""
    both = rows_in(page) | {row[0]: row for row in rows}
    before, _, rest = page.read_text(encoding="utf-8").partition(MARKS[0])
    whole = table_of([both[name] for name in sorted(both)])
    page.write_text(f"{before}{MARKS[0]}\n{whole}\n{MARKS[1]}{rest.partition(MARKS[1])[2]}", encoding="utf-8")


def main():
    """Run what is asked for; a case that fails is a row like the others."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=shipped_cases(), help="this case; may be repeated")
    parser.add_argument("--time-limit", type=float, help="seconds for the search of each frontier")
    parser.add_argument("--points", type=int, help="least number of points")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runs", type=Path, help="where the runs are kept")
    parser.add_argument("--whole", action="store_true", help="stress, charts, map and page too")
    parser.add_argument("--write", type=Path, help="page to put the table into")
    asked = parser.parse_args()
    options = Options(points=asked.points, time_limit_s=asked.time_limit, workers=asked.workers)
    rows = []
    with tempfile.TemporaryDirectory(prefix="cases-") as scratch:
        runs = asked.runs or Path(scratch)
        runs.mkdir(parents=True, exist_ok=True)
        for name in asked.only or shipped_cases():
            try:
                rows.append(row_of(name, solved(name, runs, options, asked.whole)))
            except SourcingError as error:
                rows.append([name, *["-"] * 5, str(error).splitlines()[0].replace("|", " "), "-", "-"])
            print(" | ".join(rows[-1]), flush=True)
    print("\n" + table_of(rows))
    if asked.write:
        write(rows, asked.write)


if __name__ == "__main__":
    main()
