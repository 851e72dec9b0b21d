"""The constraints of the lowest set are the lower bounds that the package declares."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]


def test_the_lowest_set_has_every_direct_requirement_at_its_lower_bound():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "tests" / "lowest-constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(re.fullmatch(r"(\S+)==(\S+)", line).groups() for line in lines if not line.startswith("#"))
    wrong = []
    for text in [*project["dependencies"], *project["optional-dependencies"]["test"]]:
        wanted = Requirement(text)
        (bound,) = (bound for bound in wanted.specifier if bound.operator != "<")
        lowest = Version(bound.version).release
        pin = Version(pins[canonicalize_name(wanted.name)])
        is_lowest = bound.operator == ">=" and (*pin.release, 0, 0)[: len(lowest)] == lowest
        if not is_lowest or pin not in wanted.specifier:
            wrong.append(f"{text}: {pin}")
    assert wrong == []
