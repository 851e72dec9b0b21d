"""Imports what every job of a batch needs; nothing else. Workers are forked from a process that did so."""

from __future__ import annotations

import optimizer.audit.run
import optimizer.batch.worker
import optimizer.jobs.point_tables  # noqa: F401
