import tomllib

import pytest

from optimizer.errors import DataProblem
from optimizer.tables.case_file import known_keys, read_settings
from optimizer.tables.locate import data_root
from optimizer.tables.package import load_package
from optimizer.tables.settings import CaseSettings
from optimizer.tables.write_case import TEMPLATES, case_toml, new_case


def test_new_case_has_valid_settings_that_are_the_defaults(tmp_path):
    folder = new_case("mine-1", tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["README.md", "case.toml", *(f"{name}.csv" for name in TEMPLATES)]
    )
    settings, problems = read_settings(folder / "case.toml", "case.toml")
    assert problems == []
    horizon = {"first_year": 2027, "last_year": 2034}
    assert settings == CaseSettings.model_validate({"title": "mine-1", "horizon": horizon})


def test_every_key_is_explained_in_a_new_case():
    text = case_toml("x")
    for name, field in known_keys():
        assert field.description, name
        assert field.description in text or name.count(".") == 0 or name.startswith("limits."), name
        assert name.rsplit(".", 1)[-1] in text
    tomllib.loads(text)


def test_tables_of_a_new_case_have_all_columns_and_are_explained(tmp_path):
    folder = new_case("x", tmp_path)
    package = load_package(data_root())
    readme = (folder / "README.md").read_text(encoding="utf-8")
    for name in TEMPLATES:
        header = (folder / f"{name}.csv").read_text().strip().split(",")
        for field in package.resource(name).fields:
            if field.name not in ("source_id", "confidence", "note"):
                assert field.name in header
                assert f"`{field.name}`" in readme


def test_new_case_from_another_copies_settings_and_tables(alone, tmp_path):
    alone.write("notes.md", "x")
    folder = new_case("copy", tmp_path / "cases", alone.folder)
    assert not (folder / "notes.md").exists()
    assert (folder / "case.toml").read_text() == (alone.folder / "case.toml").read_text()
    assert (folder / "offers.csv").read_text() == alone.text("offers")
    from optimizer.tables.case import load_case

    assert load_case(folder).case_hash == alone.load().case_hash


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(DataProblem) as raised:
        new_case("x", tmp_path)
    assert raised.value.problems[0].code == "T041"
    assert list((tmp_path / "x").iterdir()) == []


@pytest.mark.parametrize("name", ["", "..", "../x", "/tmp/x", "a/b", "-x", ".x", "a b"])
def test_names_that_leave_the_folder_are_refused(tmp_path, name):
    with pytest.raises(DataProblem) as raised:
        new_case(name, tmp_path)
    assert raised.value.problems[0].code == "T026"
    assert list(tmp_path.iterdir()) == []
