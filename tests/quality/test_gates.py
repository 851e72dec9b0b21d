"""Quality gates: lint, format, strict types, and the direction of dependencies."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "optimizer"

GATES = {
    "lint": ["-m", "ruff", "check", "."],
    "format": ["-m", "ruff", "format", "--check", "."],
    "types": ["-m", "mypy"],
}

EVERYTHING = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()} | {"errors", "frames"}

ALLOWED = {
    "tables": {"errors", "frames"},
    "chain": {"errors", "tables", "shocks"},
    "shocks": {"errors", "tables", "chain"},
    "model": {"errors", "chain"},
    "solve": {"errors"},
    "results": {"errors", "frames", "chain", "model", "solve"},
    "audit": {"errors", "frames", "tables", "results"},
    "report": {"errors", "tables", "chain", "results"},
    "stress": {"errors", "tables", "chain", "shocks", "model", "solve", "results"},
    "explain": {"errors", "tables", "chain", "shocks", "model", "solve", "results"},
    "sensitivity": {"errors", "tables", "chain", "shocks", "model", "solve", "results", "stress"},
    "jobs": EVERYTHING - {"jobs", "batch", "cli"},
    "batch": EVERYTHING - {"batch", "cli"},
    "cli": EVERYTHING - {"cli"},
}
"""Parts of the package → parts they may import."""

OWNED = {
    "highspy": {"solve"},
    "pyomo": {"model", "solve"},
    "altair": {"report"},
    "openpyxl": {"tables"},
    "pptx": {"report"},
    "xlsxwriter": {"report"},
    "searoute": {"chain"},
    "dask": {"batch"},
    "distributed": {"batch"},
    "duckdb": {"batch"},
}
"""Libraries → the only parts that may import them."""


@pytest.mark.parametrize("gate", sorted(GATES))
def test_gate(gate):
    done = subprocess.run([sys.executable, *GATES[gate]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("part", sorted(ALLOWED))
def test_dependencies_point_one_way(part):
    wrong = []
    for path in sorted((PACKAGE / part).rglob("*.py")):
        for module in imports(path):
            pieces = module.split(".")
            if pieces[0] == "optimizer" and len(pieces) > 1 and pieces[1] not in ALLOWED[part] | {part}:
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
            if pieces[0] in OWNED and part not in OWNED[pieces[0]]:
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert wrong == []


def test_no_name_of_the_flagships_world_in_the_code():
    """Nothing in the code names an element, a country or a plant: another mineral is another set of tables."""
    import csv

    names = set()
    for table, column in (("facilities", "facility"), ("compositions", "component"), ("products", "product")):
        with (ROOT / "data" / f"{table}.csv").open(encoding="utf-8") as file:
            names |= {row[column] for row in csv.DictReader(file)}
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in names:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.value!r}")
    assert found == []
