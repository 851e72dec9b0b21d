"""What the main job adds to a frontier: the stress test and the reasons, as parts of the run folder."""

from __future__ import annotations

from optimizer.errors import DataProblem
from optimizer.jobs.explain import Depth, explain_reopened
from optimizer.jobs.reopen import Reopened
from optimizer.jobs.stress import StressOptions, stress_reopened
from optimizer.jobs.watch import Watcher


def probe(reopened: Reopened, workers: int, seed: int, watcher: Watcher) -> None:
    """Put every plan to fresh shocks, and explain the recommended one.

    A case that counts no shocks, or has nothing to draw from, is not stressed; a run without plans is left alone.
    """
    if not reopened.plans:
        return
    if reopened.ready.instance.shocks:
        try:
            with watcher.phase("put every plan to shocks it was not built for"):
                stress_reopened(reopened, StressOptions(seed=seed, workers=workers), watcher)
        except DataProblem as problem:
            watcher.update(f"no stress test: {problem.problems[0].found}")
    with watcher.phase("find the reasons for the recommended plan"):
        explain_reopened(reopened, None, Depth(), workers, watcher)
