"""Real batches with real worker processes, interrupted and killed: nothing finished is lost, and --resume ends them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from optimizer.batch.execute import claimed
from optimizer.errors import UsageProblem

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import batch_kill  # noqa: E402

TOYS = ROOT / "tests" / "toys"


def test_kill_then_ctrl_c_and_a_second_process_meanwhile(tmp_path):
    """kill -9 once something is finished; taken up, Ctrl-C once one more is; meanwhile the folder is refused."""
    path, out = batch_of_toys(tmp_path, 3), tmp_path / "out"
    first = batch_kill.start(path, out)
    _until(first, out, 1)
    os.killpg(first.pid, signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    killed = batch_kill.finished(out)
    assert killed
    assert (out / "lock.json").exists()
    second = batch_kill.start(path, out)
    _until(second, out, len(killed) + 1)
    if second.poll() is None:
        with pytest.raises(UsageProblem, match=f"process {second.pid} on"), claimed(out, True):
            pass
        os.killpg(second.pid, signal.SIGINT)
    assert second.wait(timeout=600) in (0, 4)
    done = batch_kill.finished(out)
    assert len(done) > len(killed)
    assert killed.items() <= done.items()
    assert (out / "index.html").is_file()
    assert not (out / "lock.json").exists()


@pytest.mark.long
def test_ctrl_c_then_kill_then_done(tmp_path):
    """Ctrl-C once something is finished; kill -9 once one more is; then to the end."""
    path, out = batch_of_toys(tmp_path, 5), tmp_path / "out"
    first = batch_kill.start(path, out)
    seen = _until(first, out, 1)
    if first.poll() is None:
        os.killpg(first.pid, signal.SIGINT)
    assert first.wait(timeout=600) in (0, 4)
    interrupted = batch_kill.finished(out)
    assert seen.items() <= interrupted.items()
    second = batch_kill.start(path, out)
    _until(second, out, len(interrupted) + 1)
    if second.poll() is None:
        os.killpg(second.pid, signal.SIGKILL)
    second.wait()
    killed = batch_kill.finished(out)
    assert interrupted.items() <= killed.items()
    assert batch_kill.start(path, out).wait(timeout=600) == 0
    done = batch_kill.finished(out)
    assert len(done) == 5
    assert killed.items() <= done.items()
    assert not list(out.rglob("*.partial"))


def batch_of_toys(folder: Path, count: int) -> Path:
    path = folder / "b.toml"
    rates = [round(0.01 * number, 2) for number in range(count)]
    path.write_text(
        f"cases = ['{TOYS / 'one-plant'}']\n[options]\npoints = 2\n[vary]\n'finance.discount_rate_share' = {rates}\n"
    )
    return path


def _until(process: subprocess.Popen[bytes], out: Path, count: int) -> dict[str, str]:
    """Runs finished, once there are so many or the process has ended."""
    deadline = time.monotonic() + 600
    while len(_renamed(out)) < count and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    return batch_kill.finished(out)


def _renamed(out: Path) -> list[Path]:
    return [path for path in out.glob("*/*/run.json") if not path.parent.name.endswith(".partial")]


@pytest.mark.long
def test_twenty_kills_at_random_moments_lose_no_finished_case(tmp_path):
    assert batch_kill.kill_often(tmp_path, batch_kill.Trial(str(TOYS / "no-foresight"))) == 12
