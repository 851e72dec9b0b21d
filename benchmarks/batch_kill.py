"""Kill a batch at random moments, take it up each time, and look whether anything finished was lost.

    python benchmarks/batch_kill.py [--moments 20] [--case CASE] [--variations 12] [--seed 0]

After every ``kill -9`` of the whole process group: each run folder that was there is there, byte for byte; no folder
is half a run; the lock does not bind. Ends with the batch done and its exit code 0.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--case", default=str(ROOT / "tests" / "toys" / "no-foresight"))
    parser.add_argument("--variations", type=int, default=12)
    parser.add_argument("--longest", type=float, default=20.0, help="Longest time before a kill, seconds.")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        survived = kill_often(
            Path(place), arguments.case, arguments.variations, arguments.moments, arguments.longest, arguments.seed
        )
    print(f"{arguments.moments} kills, {survived} runs, none lost")


def kill_often(place: Path, case: str, variations: int, moments: int, longest: float, seed: int) -> int:
    """Start, kill at a random moment and compare, ``moments`` times; then let the batch end. Returns its runs."""
    draw = random.Random(seed)
    path, out = place / "b.toml", place / "out"
    rates = [round(0.01 * number, 2) for number in range(variations)]
    path.write_text(f"cases = ['{case}']\n[options]\npoints = 4\n[vary]\n'finance.discount_rate_share' = {rates}\n")
    before: dict[str, str] = {}
    for moment in range(moments):
        wait = draw.uniform(0.5, longest)
        process = start(path, out)
        try:
            process.wait(timeout=wait)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        now = finished(out)
        lost = sorted(name for name, digest in before.items() if now.get(name) != digest)
        if lost:
            raise SystemExit(f"lost or changed after kill {moment + 1}: {lost}")
        print(f"kill {moment + 1} after {wait:.1f} s: {len(now)} of {variations} runs finished", flush=True)
        before = now
        if len(now) == variations:
            for name in draw.sample(sorted(now), max(1, variations // 2)):
                forget(out / name)
                del before[name]
    process = start(path, out)
    if process.wait() != 0:
        raise SystemExit(f"the batch ended with {process.returncode}")
    return len(finished(out))


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


def forget(folder: Path) -> None:
    """Take a run away, so that there is something left to do."""
    import shutil

    shutil.rmtree(folder)


if __name__ == "__main__":
    started = time.monotonic()
    main()
    print(f"{time.monotonic() - started:.0f} s")
