"""The data as a product: a valid package, a dictionary that is current, everything collected accounted for."""

import csv
import json
import re

import pytest

from optimizer.tables.browse import read_shared, shared_settings
from optimizer.tables.dictionary import data_dictionary, main
from optimizer.tables.locate import data_root
from optimizer.tables.package import load_package
from optimizer.tables.view import View
from optimizer.tables.world_balance import world_balance

ROOT = data_root().parent
DESCRIPTOR = json.loads((data_root() / "datapackage.json").read_text(encoding="utf-8"))
RESOURCES = {resource["name"]: resource for resource in DESCRIPTOR["resources"]}
TYPES = {"string", "number", "integer", "boolean"}


def test_the_descriptor_has_the_parts_a_tabular_package_must_have():
    assert DESCRIPTOR["profile"] == "tabular-data-package"
    assert DESCRIPTOR["licenses"][0]["name"] == "CC-BY-4.0"
    assert len(RESOURCES) == len(DESCRIPTOR["resources"])
    for name, resource in RESOURCES.items():
        assert re.fullmatch(r"[a-z0-9_.-]+", name)
        assert resource["path"] == f"{name}.csv"
        fields = {field["name"]: field for field in resource["schema"]["fields"]}
        assert {field["type"] for field in fields.values()} <= TYPES, name
        assert all(field["description"] for field in fields.values()), name
        assert set(resource["schema"]["primaryKey"]) <= set(fields), name
        for link in resource["schema"].get("foreignKeys", []):
            target = RESOURCES[link["reference"]["resource"]]["schema"]["fields"]
            assert link["fields"] in fields
            assert link["reference"]["fields"] in {field["name"] for field in target}


@pytest.mark.parametrize("name", sorted(RESOURCES))
def test_every_table_has_a_file_whose_header_is_the_schema(name):
    path = data_root() / RESOURCES[name]["path"]
    with path.open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    assert header == [field["name"] for field in RESOURCES[name]["schema"]["fields"]]


def test_no_table_lies_in_the_folder_undescribed():
    assert {path.stem for path in data_root().glob("*.csv")} == set(RESOURCES)


@pytest.mark.long
def test_the_package_is_valid_for_frictionless():
    frictionless = pytest.importorskip("frictionless")
    report = frictionless.Package.from_descriptor(DESCRIPTOR, basepath=str(data_root())).validate()
    assert report.valid, [(task.name, [error.message for error in task.errors][:3]) for task in report.tasks]


def test_the_dictionary_is_current(tmp_path):
    main([str(tmp_path / "page.md")])
    written = (tmp_path / "page.md").read_text(encoding="utf-8")
    shipped = (ROOT / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    assert written == shipped, "run: python -m optimizer.tables.dictionary docs/data-dictionary.md"


def test_the_dictionary_names_every_column():
    package = load_package(data_root(), with_records=True)
    text = data_dictionary(package)
    for resource in package.resources.values():
        part = text.split(f"\n### {resource.name}\n")[1].split("\n### ")[0]
        missing = [name for name in resource.columns if name not in ("source_id", "confidence", "note")]
        assert [name for name in missing if f"| `{name}` |" not in part] == []


def coverage():
    _, tables = read_shared()
    return tables, [row.values for row in tables["coverage"].rows]


def test_every_collected_row_stands_in_a_record_table():
    tables, rows = coverage()
    collected = {row["collection"]: row["collected_rows"] for row in rows}
    for subject, count in collected.items():
        assert sum(row["record_rows"] for row in rows if row["collection"] == subject) == count, subject
    # 25 subjects of facts, 3 on events and countries, and 5 registers of sources
    assert (len(collected), sum(collected.values())) == (33, 3898)
    for table in {row["record_table"] for row in rows} - {"sources"}:
        counted = sum(row["record_rows"] for row in rows if row["record_table"] == table)
        assert counted == len(tables[table].rows), table
    registered = sum(row["record_rows"] for row in rows if row["record_table"] == "sources")
    assert len(tables["sources"].rows) >= registered


@pytest.mark.parametrize(("table", "subject"), [("plants", "facilities"), ("mines", "mines")])
def test_every_plant_is_used_or_left_out_for_a_reason(table, subject):
    tables, rows = coverage()
    records = [row.values for row in tables[table].rows]
    assert all((record["facility"] is None) == (record["why_left_out"] is not None) for record in records)
    used = next(row["model_rows"] for row in rows if row["collection"] == subject)
    assert sum(record["facility"] is not None for record in records) == used


def test_baskets_in_use_are_those_collected():
    tables, rows = coverage()
    assays = {(r["ore"], r["component"]): r["share"] for r in tables["ore_assays"].rows}
    used = {(r["ore"], r["component"]): r["share"] for r in tables["compositions"].rows}
    shared = {key for key in used if key in assays}
    assert {key for key in shared if abs(used[key] - assays[key]) > 1e-5} == set()
    assert len(shared) == next(row["model_rows"] for row in rows if row["collection"] == "ore_compositions")


def test_the_page_on_the_tables_tells_the_coverage():
    _, rows = coverage()
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    for row in rows:
        start = f"| {row['collection']} | {row['collected_rows']} | `{row['record_table']}` | {row['record_rows']} |"
        assert start in page


def test_no_note_tells_of_anything_but_the_figure():
    tables, _ = coverage()
    odd = re.compile(r"stored (text|record|evidence|excerpt|material)|not visible", re.IGNORECASE)
    found = [(name, row.line) for name, t in tables.items() for row in t.rows if odd.search(str(row["note"] or ""))]
    assert found == []


def test_the_page_on_the_tables_tells_the_balance_of_today():
    package, tables = read_shared()
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    for step in world_balance(View(package, shared_settings(), tables, "")):
        assert f"| {step.offered_t:,.0f} | {step.taken_t:,.0f} (" in page, f"docs/data.md: {step}"
