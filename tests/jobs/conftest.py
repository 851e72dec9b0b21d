"""One finished run that the tests of later commands share; they add nothing to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.jobs.frontier import Run, frontier_of
from optimizer.jobs.prepare import Options

TOYS = Path(__file__).parents[1] / "toys"


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return frontier_of(TOYS / "stock-cover", tmp_path_factory.mktemp("runs") / "stock", Options(points=3))
