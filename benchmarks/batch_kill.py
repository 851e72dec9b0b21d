"""Kill a batch at random moments, take it up each time, and look whether anything finished was lost.

    python benchmarks/batch_kill.py [--moments 20] [--case CASE] [--variations 12] [--longest 10] [--seed 0]

A moment is drawn after the start of the command, after a run is at work, or after one or two more have finished (on a
busy machine most kills would else hit the reading of tables and the start of workers, and nothing be there to lose).
Every second ``kill -9`` takes the whole
process group, every other the batch alone, whose workers are left orphans. After each: every run folder that was there
is there, byte for byte; no folder is half a run; the lock does not bind. A batch that ended before its moment came is
no kill and does not count. Ends with the batch done and exit code 0.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
STAGES = {0: "the start", 1: "a run began", 2: "a run finished", 3: "two runs finished"}


@dataclass(frozen=True)
class Trial:
    """What is killed, and how often.

    Attributes:
        case: case folder.
        variations: jobs of the batch.
        moments: kills.
        longest_s: a kill comes so long after what it waits for at the latest.
        seed: of the moments.
    """

    case: str
    variations: int = 12
    moments: int = 20
    longest_s: float = 10.0
    seed: int = 0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--case", default=str(ROOT / "tests" / "toys" / "no-foresight"))
    parser.add_argument("--variations", type=int, default=12)
    parser.add_argument("--longest", type=float, default=10.0, help="Longest wait before a kill, seconds.")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    trial = Trial(str(Path(given.case).resolve()), given.variations, given.moments, given.longest, given.seed)
    with tempfile.TemporaryDirectory() as place:
        survived = kill_often(Path(place), trial)
    print(f"{trial.moments} kills, {survived} runs, none lost")


def kill_often(place: Path, trial: Trial) -> int:
    """Start, kill at a random moment and compare, again and again; then let the batch end. Returns its runs."""
    draw = random.Random(trial.seed)
    path, out = place / "b.toml", place / "out"
    rates = [round(0.01 * number, 2) for number in range(trial.variations)]
    path.write_text(
        f"cases = ['{trial.case}']\n[options]\npoints = 4\n[vary]\n'finance.discount_rate_share' = {rates}\n"
    )
    before: dict[str, str] = {}
    kills = survivals = 0
    while kills < trial.moments:
        wait, takes_all, stage = draw.uniform(0.0, trial.longest_s), kills % 2 == 0, draw.choice(list(STAGES))
        process = start(path, out)
        _until(stage, process, out)
        told = "ended before its moment"
        if not _ended(process, wait):
            before |= finished(out)
            _kill(process, takes_all)
            kills, survivals = kills + 1, survivals + len(before)
            whom = "the group" if takes_all else "the batch alone"
            told = f"kill {kills} of {whom}, {wait:.1f} s after {STAGES[stage]}"
        now = finished(out)
        if lost := sorted(name for name, digest in before.items() if now.get(name) != digest):
            raise SystemExit(f"lost or changed after kill {kills}: {lost}")
        halves = len(list(out.glob("*/*.partial")))
        print(f"{told}: {len(now)} of {trial.variations} runs finished, {halves} begun", flush=True)
        before = now
        if len(now) == trial.variations:
            for name in draw.sample(sorted(now), max(1, trial.variations // 2)):
                shutil.rmtree(out / name)
                del before[name]
    if not survivals:
        raise SystemExit("no kill came after a run had finished: nothing is proven; give more moments")
    print(f"finished runs that a kill could have lost, summed over the kills: {survivals}", flush=True)
    _ended(start(path, out), None)
    return len(finished(out))


def _until(stage: int, process: subprocess.Popen[bytes], out: Path) -> None:
    """Wait until the batch is so far, or has ended."""
    began, there = time.time(), len(_placed(out))
    while process.poll() is None:
        is_at_work = any(_touched(path) > began for path in out.glob("*/*.partial"))
        if stage == 0 or (stage == 1 and is_at_work) or (stage > 1 and len(_placed(out)) >= there + stage - 1):
            return
        time.sleep(0.02)


def _placed(out: Path) -> list[Path]:
    return [path for path in out.glob("*/*") if path.is_dir() and not path.name.endswith((".partial", ".old"))]


def _touched(folder: Path) -> float:
    """When a folder changed last; 0 if it has gone since."""
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _ended(process: subprocess.Popen[bytes], wait: float | None) -> bool:
    """Whether the batch ends, and well, within so many seconds."""
    try:
        code = process.wait(timeout=wait)
    except subprocess.TimeoutExpired:
        return False
    if code != 0:
        raise SystemExit(f"the batch ended with {code}")
    return True


def _kill(process: subprocess.Popen[bytes], takes_all: bool) -> None:
    if takes_all:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def start(path: Path, out: Path) -> subprocess.Popen[bytes]:
    """The command in a process group of its own, workers and all."""
    words = ["-q", "batch", str(path), "-o", str(out), "--resume", "--root", str(out.parent / "none"), "--workers", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-m", "optimizer.cli.main", *words]
    return subprocess.Popen(line, start_new_session=True, stdout=subprocess.DEVNULL, env=environment)


def finished(out: Path) -> dict[str, str]:
    """Run folder → digest of everything in it."""
    found = {}
    for manifest in sorted(out.rglob("run.json")):
        folder = manifest.parent
        if any(part.endswith((".partial", ".old")) for part in folder.relative_to(out).parts):
            continue
        digest = hashlib.sha256()
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
        if not (folder / "frontier.parquet").is_file() or not (folder / "audit.json").is_file():
            raise SystemExit(f"{folder} is half a run")
        found[str(folder.relative_to(out))] = digest.hexdigest()
    return found


if __name__ == "__main__":
    started = time.monotonic()
    main()
    print(f"{time.monotonic() - started:.0f} s")
