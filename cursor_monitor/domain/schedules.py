"""What a schedule does about firings that were missed, and about work of its own that still goes on."""

from __future__ import annotations

from enum import StrEnum

MISSED_MOST = 24
"""So many missed firings are made up for, at the most."""


class Missed(StrEnum):
    """Firings that came while no worker ran."""

    SKIP = "skip"  # they are over
    ONCE = "once"  # one launch for all of them
    ALL = "all"  # a launch for each, of the oldest so many


class Overlap(StrEnum):
    """A firing while the orchestration of an earlier one has not ended."""

    SKIP = "skip"
    ALLOW = "allow"


class FiringStatus(StrEnum):
    """What came of a firing."""

    LAUNCHED = "launched"
    SKIPPED = "skipped"
    FAILED = "failed"
