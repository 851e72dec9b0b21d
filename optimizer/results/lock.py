"""One process at a time works on a folder: a lock file names it, and binds as long as that process lives."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

from optimizer.errors import UsageProblem

LOCK = "lock.json"


def lock(folder: Path) -> None:
    """Claim a folder for this process; a lock left by a process that is gone is taken over.

    Raises:
        UsageProblem: if another process holds it.
    """
    path = folder / LOCK
    content = json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode()
    for _ in range(2):
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            refuse_if_locked(folder)
            path.unlink(missing_ok=True)
            continue
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        return
    raise UsageProblem(f"{folder} is being claimed by another process")


def refuse_if_locked(folder: Path) -> None:
    """Refuse a folder that a living process (or one of another machine) is at work on.

    Raises:
        UsageProblem: naming the process.
    """
    if not (folder / LOCK).is_file():
        return
    try:
        owner = json.loads((folder / LOCK).read_text(encoding="utf-8"))
        pid, host = int(owner["pid"]), str(owner["host"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    if host != socket.gethostname() or _is_alive(pid):
        raise UsageProblem(
            f"process {pid} on {host} is at work on {folder}; wait for it, name another folder with -o, "
            f"or remove {folder / LOCK} if that process is gone"
        )


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Whether a process has ended and only waits to be counted out by the one that started it."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return told.rpartition(")")[2].split()[:1] == ["Z"]


def unlock(folder: Path) -> None:
    """Give a folder free."""
    (folder / LOCK).unlink(missing_ok=True)
