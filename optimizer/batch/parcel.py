"""Folders as bytes: how cases travel to workers and runs come back, with no disk in common."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path


def packed(folder: Path) -> bytes:
    """All files of a folder as one compressed parcel; the same files give the same bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz", preset=1) as parcel:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
                entry.size = path.stat().st_size
                with path.open("rb") as stream:
                    parcel.addfile(entry, stream)
    return buffer.getvalue()


def unpack(parcel: bytes, folder: Path) -> Path:
    """Put a parcel's files into a folder, made if need be, and return it; nothing can land outside it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(parcel), mode="r:*") as content:
        content.extractall(folder, filter="data")
    return folder
