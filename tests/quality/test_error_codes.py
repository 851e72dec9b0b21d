"""Codes of bad input: each in use has a paragraph, each paragraph is of a code in use, titles are those of the code."""

import ast
import re
from pathlib import Path

from optimizer.chain.codes import CODES

ROOT = Path(__file__).parents[2]
TITLES = dict(re.findall(r"^## ([A-Z]\d{3}) (.+)$", (ROOT / "docs" / "howto" / "errors.md").read_text(), re.MULTILINE))


def test_every_code_in_use_has_a_paragraph_and_the_other_way_round():
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "optimizer").rglob("*.py"))
    used = {code for text in sources for code in re.findall(r'"([A-Z]\d{3})"', text)}
    assert used == set(TITLES)


def test_titles_of_what_makes_no_network_are_those_of_the_code():
    assert {code: title for code, title in TITLES.items() if code.startswith("C0")} == CODES


def test_every_problem_says_what_to_do():
    """Code, file, row, column, found, allowed, remedy: the seventh, or by its name."""
    without = []
    for path in sorted((ROOT / "optimizer").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem":
                given = {keyword.arg for keyword in node.keywords}
                is_whole = any(isinstance(argument, ast.Starred) for argument in node.args) or None in given
                if not (is_whole or len(node.args) >= 7 or "remedy" in given):
                    without.append(f"{path.name}:{node.lineno}")
    assert without == []
