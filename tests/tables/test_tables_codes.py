import re
from pathlib import Path

from optimizer import tables
from optimizer.tables.codes import CODES

ROOT = Path(tables.__file__).parents[2]
SOURCES = {path: path.read_text(encoding="utf-8") for path in Path(tables.__file__).parent.glob("*.py")}


def test_every_code_has_a_paragraph():
    text = (ROOT / "docs" / "howto" / "errors.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (T\d{3}) (.+)\n\n(.+)", text, flags=re.MULTILINE)
    assert {code: title for code, title, _ in sections} == CODES


def test_every_code_is_used_and_every_used_code_is_registered():
    used = {
        code for path, text in SOURCES.items() if path.name != "codes.py" for code in re.findall(r'"(T\d{3})"', text)
    }
    assert used == set(CODES)


def test_every_code_is_tested():
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_tables_*.py"))
    assert set(re.findall(r"\b(T\d{3})\b", tests)) >= set(CODES)


def test_the_case_format_names_every_key():
    from optimizer.tables.case_file import known_keys, section_of

    text = (ROOT / "docs" / "case-format.md").read_text(encoding="utf-8")
    for name, field in known_keys():
        if section_of(field) is not None:
            continue
        assert f"`{name.rsplit('.', 1)[-1]}`" in text, name
        assert field.description in text, name
