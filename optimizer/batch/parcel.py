"""Folders as bytes: how cases travel to workers and runs come back, with no disk in common."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path, PurePosixPath


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
    """Put a parcel's files into a folder, made if need be, and return it; nothing can land outside it.

    File by file, for filters of ``tarfile`` are missing from early releases of Python 3.11.

    Raises:
        TarError: if there is anything but files below the folder in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(parcel), mode="r:*") as content:
        for member in content:
            place = PurePosixPath(member.name)
            stream = content.extractfile(member) if member.isreg() else None
            if stream is None or place.is_absolute() or ".." in place.parts:
                raise tarfile.TarError(f"a parcel with more than files below its folder: {member.name}")
            target = folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                shutil.copyfileobj(stream, file)
    return folder
