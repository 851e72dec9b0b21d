import signal
import sys
import threading
from pathlib import Path

import pytest

from optimizer.cli.main import main

sys.path.insert(0, str(Path(__file__).parent / "model"))


def pytest_addoption(parser):
    parser.addoption("--update-snapshots", action="store_true", help="rewrite stored snapshots from the code")


def pytest_configure():
    """Ctrl-C counts, also where a shell script runs the tests in the background: it has them pass over it then."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def update_snapshots(request):
    return request.config.getoption("--update-snapshots")


@pytest.fixture
def sourcing(capsys, tmp_path, monkeypatch):
    """Call the command in an empty folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        told = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        assert "Traceback" not in told.out + told.err
        return ended.value.code, told.out, told.err

    return call
