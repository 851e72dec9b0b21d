"""Tables of a case in ``inputs.xlsx``: the same rows and the same problems as from CSV files."""

import builtins
import csv
import datetime
import io
import zipfile

import openpyxl
import pandas as pd
import pytest


def typed(text):
    """A cell as a spreadsheet would hold what a CSV file says."""
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text or None


def book(case, *tables, **changes):
    """Move tables of a case into its workbook; ``changes`` puts other values into cells: offers={"F2": 70}."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for table in tables:
        sheet = made.create_sheet(table)
        for row in csv.reader(io.StringIO(case.text(table))):
            sheet.append([typed(cell) for cell in row])
        for place, value in changes.get(table, {}).items():
            sheet[place] = value
        (case.folder / f"{table}.csv").unlink()
    made.save(case.folder / "inputs.xlsx")
    return made


def test_sheets_give_the_same_tables_as_csv_files(alone):
    before = alone.load()
    book(alone, "offers", "demand", "qualified", "products", "contracts")
    after = alone.load()
    for name, frame in before.tables.items():
        pd.testing.assert_frame_equal(frame, after.tables[name])
    assert after.origins["demand"] == ("toy/inputs.xlsx, sheet demand:2", "toy/inputs.xlsx, sheet demand:3")
    assert after.case_hash != before.case_hash


def test_a_sheet_patches_shared_rows(shared):
    made = openpyxl.Workbook()
    made.active.title = "offers"
    for row in (("offer", "price_usd_per_kg"), ("sale_a", 66)):
        made.active.append(row)
    made.save(shared.folder / "inputs.xlsx")
    (difference,) = shared.load().differences
    assert (difference.key, difference.column, difference.old, difference.new) == ("sale_a", "price_usd_per_kg", 65, 66)


def test_a_cell_that_is_no_number_is_told_with_sheet_row_and_column(alone):
    book(alone, "offers", offers={"F3": "60 USD", "A9": "  "})
    problem = alone.problem()
    place = (problem.code, problem.file, problem.row, problem.column)
    assert place == ("T015", "toy/inputs.xlsx, sheet offers", "3", "price_usd_per_kg")


def test_a_date_where_a_year_should_be_is_told(alone):
    book(alone, "demand", demand={"B2": datetime.datetime(2027, 1, 1)})
    problem = alone.problem()
    assert (problem.code, problem.row, problem.column, problem.found) == ("T015", "2", "year", "`2027-01-01`")


def test_a_date_in_a_date_column_is_read_as_a_date(alone):
    book(alone, "offers")
    made = openpyxl.load_workbook(alone.folder / "inputs.xlsx")
    sheet = made.create_sheet("tariffs")
    sheet.append(["importer", "exporter", "form", "legal_basis", "kind", "rate_share", "valid_from"])
    sheet.append(["BBB", "AAA", "magnet", "code", "duty", 0.25, datetime.datetime(2027, 3, 1)])
    made.save(alone.folder / "inputs.xlsx")
    assert list(alone.load().tables["tariffs"]["valid_from"]) == ["2027-03-01"]


def test_a_table_in_both_places_is_one_problem(alone):
    text = alone.text("demand")
    book(alone, "demand")
    alone.write("demand.csv", text)
    problem = alone.problem()
    assert (problem.code, problem.file) == ("T047", "toy/inputs.xlsx")
    assert "`demand.csv`" in problem.found


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"name,price\n"])
def test_a_file_that_is_no_workbook_is_told(alone, content):
    (alone.folder / "inputs.xlsx").write_bytes(content)
    assert alone.problem().code == "T046"


def test_a_workbook_that_cannot_be_read_is_told_and_not_left_open(alone, monkeypatch):
    """A sheet whose head is damaged: the library has opened the file by then, and forgets to close it."""
    book(alone, "demand")
    path = alone.folder / "inputs.xlsx"
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in parts.items():
            packed.writestr(name, content.replace(b"<dimension", b"<&x;"))
    opened = []

    def noted(*arguments, **named):
        opened.append(real(*arguments, **named))
        return opened[-1]

    real = io.open
    for module in (io, builtins):
        monkeypatch.setattr(module, "open", noted)
    assert alone.problems()[0].code == "T046"
    assert [file.closed for file in opened if file.name == str(path)] == [True]


def test_a_formula_without_a_value_is_told(alone):
    book(alone, "demand", demand={"C2": "=5+5"})
    problem = alone.problems()[0]
    found = (problem.code, problem.row, problem.column, problem.found)
    assert found == ("T048", "2", "demand_t_per_year", "`=5+5`")


def test_a_formula_has_the_value_it_was_saved_with(alone, tmp_path):
    import xlsxwriter

    rows = list(csv.reader(io.StringIO(alone.text("demand"))))
    (alone.folder / "demand.csv").unlink()
    with xlsxwriter.Workbook(alone.folder / "inputs.xlsx") as made:
        sheet = made.add_worksheet("demand")
        for k, row in enumerate(rows):
            for j, cell in enumerate(row):
                sheet.write(k, j, typed(cell))
        sheet.write_formula(1, 2, "=2*6", None, 12)
    assert list(alone.load().tables["demand"]["demand_t_per_year"]) == [12.0, 30.0]


def test_text_that_looks_like_a_formula_stays_text(alone):
    book(alone, "markets")
    made = openpyxl.load_workbook(alone.folder / "inputs.xlsx")
    cell = made["markets"]["B2"]
    cell.value, cell.data_type = '=HYPERLINK("x")', "s"
    made.save(alone.folder / "inputs.xlsx")
    assert list(alone.load().tables["markets"]["name"]) == ['=HYPERLINK("x")']


def test_other_sheets_are_left_alone_and_misspelt_ones_are_told(alone):
    book(alone, "demand")
    made = openpyxl.load_workbook(alone.folder / "inputs.xlsx")
    made.create_sheet("Summary").append(["anything", 1])
    made.create_sheet("My notes")
    made.save(alone.folder / "inputs.xlsx")
    assert len(alone.load().tables["demand"]) == 2
    made.create_sheet("Offers").append(["offer"])
    made.save(alone.folder / "inputs.xlsx")
    problem = alone.problem()
    assert (problem.code, problem.found) == ("T008", "a sheet `Offers`")
    assert "`offers`" in problem.remedy


def test_a_case_with_a_workbook_can_be_started_from(alone, tmp_path):
    from optimizer.tables.write_case import new_case

    book(alone, "demand")
    made = new_case("second", tmp_path, alone.folder)
    assert (made / "inputs.xlsx").read_bytes() == (alone.folder / "inputs.xlsx").read_bytes()
