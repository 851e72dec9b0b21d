import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "model"))


def pytest_addoption(parser):
    parser.addoption("--update-snapshots", action="store_true", help="rewrite stored snapshots from the code")


@pytest.fixture
def update_snapshots(request):
    return request.config.getoption("--update-snapshots")
