"""Real batches with real worker processes, interrupted and killed: nothing finished is lost, and --resume ends them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import batch_kill  # noqa: E402

TOYS = ROOT / "tests" / "toys"


@pytest.mark.long
def test_ctrl_c_then_kill_then_done(tmp_path):
    """Ctrl-C once something is finished; kill -9 once one more is; then to the end."""
    path, out = tmp_path / "b.toml", tmp_path / "out"
    path.write_text(
        f"cases = ['{TOYS / 'one-plant'}']\n[options]\npoints = 2\n"
        "[vary]\n'finance.discount_rate_share' = [0.0, 0.01, 0.02, 0.03, 0.04]\n"
    )
    first = batch_kill.start(path, out)
    seen = _until(first, out, 1)
    if first.poll() is None:
        os.killpg(first.pid, signal.SIGINT)
    assert first.wait(timeout=120) in (0, 4)
    interrupted = batch_kill.finished(out)
    assert seen.items() <= interrupted.items()
    assert (out / "index.html").is_file()
    assert not (out / "lock.json").exists()
    second = batch_kill.start(path, out)
    _until(second, out, len(interrupted) + 1)
    if second.poll() is None:
        os.killpg(second.pid, signal.SIGKILL)
    second.wait()
    killed = batch_kill.finished(out)
    assert interrupted.items() <= killed.items()
    assert batch_kill.start(path, out).wait(timeout=240) == 0
    done = batch_kill.finished(out)
    assert len(done) == 5
    assert killed.items() <= done.items()
    assert not list(out.rglob("*.partial"))


def _until(process: subprocess.Popen[bytes], out: Path, count: int) -> dict[str, str]:
    """Runs finished, once there are so many or the process has ended."""
    deadline = time.monotonic() + 240
    while len(_renamed(out)) < count and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    return batch_kill.finished(out)


def _renamed(out: Path) -> list[Path]:
    return [path for path in out.glob("*/*/run.json") if not path.parent.name.endswith(".partial")]


@pytest.mark.long
def test_twenty_kills_at_random_moments_lose_no_finished_case(tmp_path):
    assert batch_kill.kill_often(tmp_path, str(TOYS / "no-foresight"), 12, 20, 20.0, 0) == 12
