"""Stored sea routes: computed from a table of ports, written as table and geometry, and read back both ways."""

from __future__ import annotations

import csv
import gzip
import json
from itertools import pairwise
from pathlib import Path

import pytest

from optimizer.chain import sea

PORTS = {"north": (4.0, 52.0), "south": (-9.2, 38.6), "west": (-74.0, 40.5)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data folder with three ports whose routes are written; read in place of the shipped one."""
    lines = ["port,longitude,latitude", *(f"{name},{lon},{lat}" for name, (lon, lat) in PORTS.items())]
    (tmp_path / "ports.csv").write_text("\n".join(lines) + "\n")
    assert sea.main([str(tmp_path)]) == 0
    monkeypatch.setattr(sea, "data_root", lambda: tmp_path)
    sea._stored_paths.cache_clear()
    yield tmp_path
    sea._stored_paths.cache_clear()


def test_routes_of_all_pairs_are_written_and_read_back(folder: Path, capsys) -> None:
    with (folder / "sea_routes.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["from_port"], row["to_port"]) for row in rows] == [
        ("north", "south"), ("north", "west"), ("south", "west")
    ]  # fmt: skip
    for row in rows:
        start, end = PORTS[row["from_port"]], PORTS[row["to_port"]]
        shortest = sea.great_circle_km(start, end)
        assert shortest - 1 <= int(row["distance_km"]) < 2 * shortest
        there = sea.route_path(row["from_port"], row["to_port"])
        assert sea.route_path(row["to_port"], row["from_port"]) == there[::-1]
        assert (there[0], there[-1]) == (start, end)
        # what is drawn is within a tenth of what is sailed
        drawn = sum(sea.great_circle_km(a, b) for a, b in pairwise(there))
        assert drawn == pytest.approx(int(row["distance_km"]), rel=0.1)


def test_the_same_ports_give_the_same_bytes(folder: Path) -> None:
    file = folder / "map" / "sea_routes.geojson.gz"
    before = file.read_bytes(), (folder / "sea_routes.csv").read_bytes()
    assert sea.write_routes(folder) == 3
    assert (file.read_bytes(), (folder / "sea_routes.csv").read_bytes()) == before
    assert len(json.loads(gzip.decompress(before[0]))["features"]) == 3


def test_without_stored_routes_there_is_no_path(folder: Path) -> None:
    (folder / "map" / "sea_routes.geojson.gz").unlink()
    sea._stored_paths.cache_clear()
    assert sea.route_path("north", "south") == []
