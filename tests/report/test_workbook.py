"""The workbook: units, formats and charts, text that stays text, and inputs that go out and come back."""

import io
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from crossing_run import HOSTILE, crossing_run, table
from test_map_files import shocked_run

from optimizer.jobs.frontier import solve_plan
from optimizer.jobs.prepare import Options
from optimizer.report import deliver
from optimizer.report.deliver import write_report
from optimizer.report.view import RunView
from optimizer.report.workbook import workbook
from optimizer.report.workbook_sheets import MOST_ROWS, shortened_table
from optimizer.results import folder
from optimizer.results.folder import read_run
from optimizer.tables.case import load_case

TOYS = Path(__file__).parents[1] / "toys"


def opened(view):
    return openpyxl.load_workbook(io.BytesIO(workbook(view, {"offers": 0.5})))


def test_a_sheet_per_table_with_units_frozen_heads_and_filters(tmp_path):
    book = opened(RunView(shocked_run(tmp_path)))
    assert book.sheetnames[:5] == ["Summary", "Chart of frontier", "Chart of shares", "Chart of costs", "Frontier"]
    sheet = book["Frontier"]
    assert [cell.value for cell in sheet[3]][:4] == ["point", "cost_musd", "loss_months", "cost_bound_musd"]
    assert [cell.value for cell in sheet[2]][1:3] == ["MUSD", "months"]
    assert [cell.value for cell in sheet[4]][:3] == [1, 100, 4]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("B4", "A3:I6")
    assert sheet["E4"].number_format == "0.0%"
    assert sheet["B4"].number_format == "#,##0.000"
    assert {"Portfolio", "Flows", "Losses", "Shares", "Costs"} <= set(book.sheetnames)


def test_charts_are_native(tmp_path):
    content = workbook(RunView(shocked_run(tmp_path)), {})
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        charts = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/charts/chart")]
    assert len(charts) == 3
    assert "scatterChart" in charts[0]
    assert "75 % of the loss" in charts[0]
    assert "percentStacked" in charts[1]


def test_the_summary_lists_every_sheet_with_its_rows(tmp_path):
    book = opened(RunView(shocked_run(tmp_path)))
    cells = [[cell.value for cell in row] for row in book["Summary"].iter_rows()]
    start = next(k for k, row in enumerate(cells) if row[0] == "Sheet")
    assert {row[0] for row in cells[start + 1 :]} == set(book.sheetnames[4:])
    assert ["Cost, present value (MUSD)", 104, None] in [row[:3] for row in cells]


def test_hostile_text_is_never_a_formula_or_a_link(tmp_path):
    nasty = ['=HYPERLINK("http://x","y")', "http://example.org", "+1", "@SUM(A1)", HOSTILE, "\x00\x08a\u202eb", "{=1}"]
    nasty.append("W" * 40_000)
    run = shocked_run(tmp_path)
    shocks = [run.tables["shocks"].assign(shock=f"s{k}", name=text, story=text) for k, text in enumerate(nasty)]
    tables = dict(run.tables) | {"shocks": pd.concat(shocks)}
    view = RunView(replace(run, tables=tables, manifest={**run.manifest, "title": nasty[0]}))
    book = opened(view)
    names = [cell.value for cell in book["Shocks"]["C"][3:]]
    assert names[:4] == nasty[:4]
    assert len(names[7]) == 32_000
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            assert all(cell.data_type != "f" for cell in row)
            links = [cell.hyperlink for cell in row if cell.hyperlink]
            assert all(link.target is None for link in links)  # only to sheets of this book
    assert book["Summary"]["A1"].value == nasty[0]


def test_long_tables_are_cut_and_say_so(tmp_path):
    run = crossing_run(tmp_path)
    many = pd.DataFrame({"point": [1, 2] * MOST_ROWS, "shock": ["nominal"] * 10 + ["fire"] * (2 * MOST_ROWS - 10)})
    view = RunView(run)
    kept, told = shortened_table(view, many)
    assert (len(kept), told) == (10, f"10 of {2 * MOST_ROWS}: rows without a shock")
    kept, told = shortened_table(view, many.drop(columns="shock"))
    assert (len(kept), told) == (MOST_ROWS, f"{MOST_ROWS} of {2 * MOST_ROWS}: plan 2")
    kept, told = shortened_table(view, pd.DataFrame({"a": range(MOST_ROWS + 1)}))
    assert (len(kept), told) == (MOST_ROWS, f"{MOST_ROWS} of {MOST_ROWS + 1}: the first")


def test_parts_of_a_run_have_their_sheets(tmp_path):
    (tmp_path / "stress").mkdir()
    table("point mean_loss_months", (2, 0.75)).to_parquet(tmp_path / "stress" / "stress_summary.parquet")
    (tmp_path / "stress.old").mkdir()
    table("a", (1,)).to_parquet(tmp_path / "stress.old" / "stress_summary.parquet")
    book = opened(RunView(shocked_run(tmp_path)))
    assert [cell.value for cell in book["Stress summary"][4]] == [2, 0.75]
    assert book["Stress summary"]["B2"].value == "months"
    assert sum("tress" in name for name in book.sheetnames) == 1


def solved(case, target):
    """One plan of a case, without its pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deliver, "draw_run", lambda *arguments: ())
        return solve_plan(case, target, Options())


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """The toy with one plant: 100 t a year at 10 USD/kg and 250 USD/t of freight, for two years at 10 %."""
    folder = tmp_path_factory.mktemp("plan")
    run = solved(TOYS / "one-plant", folder / "run")
    (path,) = write_report(read_run(run.path), ["xlsx"])
    assert path.name == "workbook.xlsx"
    assert not list(run.path.glob("*.new"))
    return path


def back(plan, folder, change=None):
    """The toy with the tables of its input sheets taken from a workbook, as a buyer would copy it."""
    shutil.copytree(TOYS / "one-plant", folder / "one-plant")
    book = openpyxl.load_workbook(plan)
    inputs = [name for name in book.sheetnames if name[0].islower()]
    assert inputs == ["offers", "demand", "markets", "market_products"]
    for name in inputs:
        (folder / "one-plant" / f"{name}.csv").unlink()
    if change:
        change(book)
    book.save(folder / "one-plant" / "inputs.xlsx")
    return folder / "one-plant"


def test_inputs_go_out_and_come_back_the_same(plan, tmp_path):
    before, after = load_case(TOYS / "one-plant"), load_case(back(plan, tmp_path))
    for name, frame in before.tables.items():
        pd.testing.assert_frame_equal(frame, after.tables[name])


def test_a_price_changed_in_the_sheet_changes_the_cost_by_hand(plan, tmp_path):
    def dearer(book):
        sheet = book["offers"]
        heads = [cell.value for cell in sheet[1]]
        sheet.cell(2, heads.index("price_usd_per_kg") + 1).value = 12

    run = solved(back(plan, tmp_path, dearer), tmp_path / "run")
    # 2 USD/kg more on 100 t are 0.2 MUSD a year, mid-year money at 10 %: 0.2 x (1.1^-0.5 + 1.1^-1.5)
    expected = (1.025 + 0.2) * (1.1**-0.5 + 1.1**-1.5)
    assert float(run.tables["frontier"]["cost_musd"].iloc[0]) == pytest.approx(expected, rel=1e-6)


def test_input_sheets_explain_their_columns_and_offer_their_words(plan):
    book = openpyxl.load_workbook(plan)
    sheet = book["offers"]
    heads = {cell.value: cell for cell in sheet[1]}
    assert "Unit: USD/kg" in heads["price_usd_per_kg"].comment.text
    assert "source_id" not in heads
    assert any("sale" in rule.formula1 for rule in sheet.data_validations.dataValidation)
    assert sheet.freeze_panes == "B2"
    rows = [row for row in book["Assumptions"].iter_rows(min_row=4, values_only=True) if row[0] == "offers"]
    assert rows[0][1] == "plant_sale"
    assert "price_usd_per_kg 10" in rows[0][2]
    assert rows[0][3:5] == ("buyer", "case")


def test_a_run_without_demand_or_flows_has_a_workbook_and_a_map_too(tmp_path):
    run = crossing_run(tmp_path)
    free = run.tables["frontier"].iloc[:1].assign(cost_musd=0.0, loss_months=0.0, cost_usd_per_kg=float("nan"))
    bare = replace(run, tables={"frontier": free}, inputs={}, manifest={"case": "bare"})
    cells = [row[:2] for row in opened(RunView(bare))["Summary"].iter_rows(values_only=True)]
    assert ("Cost (USD/kg)", "\u2013") in cells
    for name in ("map.svg", "map.geojson", "map.gpkg"):
        deliver.write_map(bare, None, tmp_path / name)
    assert "nothing moves to the markets" in (tmp_path / "map.svg").read_text()
    assert (tmp_path / "map.gpkg").is_file()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["report", "RUN", "--format", "docx"], 2, "no format 'docx'; a report is written as html, pptx, xlsx"),
        (["report", "RUN", "--format", ","], 2, "no format is named"),
        (["report", "nowhere"], 2, "nowhere"),
        (["map", "RUN", "--point", "7", "-o", "x.svg"], 2, "the run has 1, 2, 3"),
        (["map", "RUN", "--region", "Atlantis", "-o", "x.svg"], 2, "no region 'Atlantis'"),
    ],
)
def test_commands_tell_what_is_wrong_in_one_message(tmp_path, monkeypatch, capsys, words, code, told):
    from optimizer.cli import main as command_line

    monkeypatch.chdir(tmp_path)
    (tmp_path / "RUN").mkdir()
    monkeypatch.setattr(folder, "read_run", lambda path: crossing_run(path))
    with pytest.raises(SystemExit) as ended:
        command_line.main(words)
    output = capsys.readouterr()
    assert ended.value.code == code
    assert told in output.err
    assert output.err.strip().count("\n") <= 3
    assert not list(tmp_path.glob("x.*"))
    assert list((tmp_path / "RUN").iterdir()) == []


def test_several_formats_at_once_land_in_the_run_folder(tmp_path, monkeypatch, capsys):
    from optimizer.cli import main as command_line

    monkeypatch.setattr(folder, "read_run", lambda path: crossing_run(path))
    monkeypatch.setattr(deliver, "_report", lambda view, name, assumed: name.encode())
    with pytest.raises(SystemExit) as ended:
        command_line.main(["report", str(tmp_path), "--format", "pptx, xlsx,pptx"])
    assert ended.value.code in (0, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deck.pptx", "workbook.xlsx"]
    assert capsys.readouterr().out.split() == [str(tmp_path / "deck.pptx"), str(tmp_path / "workbook.xlsx")]
