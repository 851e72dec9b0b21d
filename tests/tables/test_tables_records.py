"""Record tables: kept for history and totals, shown by the data commands, never read by a case."""

import json
import shutil

from optimizer.tables.browse import table_rows
from optimizer.tables.case import load_case
from optimizer.tables.locate import data_root
from optimizer.tables.package import load_package

FIELD = {"name": "record", "type": "string", "constraints": {"required": True}}


def test_a_record_table_is_shown_but_no_case_reads_it(tmp_path):
    data = tmp_path / "data"
    shutil.copytree(data_root(), data, ignore=shutil.ignore_patterns("map"))
    content = json.loads((data / "datapackage.json").read_text())
    schema = {"fields": [FIELD], "primaryKey": ["record"]}
    content["resources"].append(
        {"name": "past", "path": "past.csv", "description": "Record: what was.", "schema": schema}
    )
    (data / "datapackage.json").write_text(json.dumps(content))
    (data / "past.csv").write_text("record\nflood\n")
    assert "past" not in load_package(data).resources
    assert load_package(data, with_records=True).resource("past").is_record_table
    assert table_rows("past", data=data) == [{"record": "flood"}]
    assert "past" not in load_case("allied-magnets", data=data).tables
