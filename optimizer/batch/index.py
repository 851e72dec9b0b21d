"""What a batch is handed over as: one tidy table of all frontiers, and a page that shows them together."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from optimizer.batch.execute import Batch, Result
from optimizer.report.batch_page import Entry, batch_page
from optimizer.report.write import put
from optimizer.results.folder import full_disk_told
from optimizer.results.records import read_manifest
from optimizer.results.write import read_table, write_table

TABLE, PAGE = "frontiers", "index.html"
_PICTURE, _REPORT = "map.png", "report.html"


def frontiers(results: Iterable[Result], batch: str) -> pd.DataFrame:
    """All frontiers under each other: columns ``batch, case, variation``, one for everything that varies, ``run``,
    then those of ``frontier``.
    """  # noqa: D205 - the columns belong together
    parts = []
    for result in results:
        if result.run is None:
            continue
        job = result.job
        points = read_table(result.run / "frontier.parquet")
        head = {"batch": batch, "case": job.case, "variation": job.variation, **job.keys, "run": result.run.as_posix()}
        for place, (name, value) in enumerate(head.items()):
            if name not in points:
                points.insert(place, name, value)
        parts.append(points)
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"batch": pd.Series(dtype=str)})
    keys = [name for name in table.columns if table[name].dtype == object]
    return table.fillna(dict.fromkeys(keys, ""))


def write_index(batch: Batch) -> Path:
    """Write ``frontiers.csv``, ``frontiers.parquet`` and ``index.html`` of what has ended, each whole or not at all.

    Raises:
        StorageFull: if there is no room.
    """
    folder = batch.folder
    results = [batch.results[job.place] for job in batch.plan.jobs if job.place in batch.results]
    table = frontiers(results, folder.name)
    with full_disk_told(folder):
        with tempfile.TemporaryDirectory(prefix=".index-", dir=folder) as place:
            write_table(Path(place), TABLE, table)
            for path in Path(place).iterdir():
                path.replace(folder / path.name)
        page = batch_page(batch.plan.title or folder.name, [_entry(result, folder) for result in results], table)
        return put(folder / PAGE, page.encode("utf-8"))


def _entry(result: Result, folder: Path) -> Entry:
    links = {}
    for name in (_REPORT, _PICTURE):
        if result.run is not None and (result.run / name).is_file():
            links[name] = os.path.relpath(result.run / name, folder).replace(os.sep, "/")
    manifest = read_manifest(result.run) if result.run is not None else {}
    return Entry(
        case=result.job.case,
        variation=result.job.variation,
        status="taken over" if result.is_reused else result.outcome.status,
        message=result.outcome.message,
        seconds=float((manifest.get("seconds") or {}).get("total") or 0.0),
        gap_share=(manifest.get("certificate") or {}).get("mean_gap_share"),
        folder="" if result.run is None else os.path.relpath(result.run, folder).replace(os.sep, "/"),
        report=links.get(_REPORT, ""),
        picture=links.get(_PICTURE, ""),
    )
