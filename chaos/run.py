"""One fault run: build the world, drive it, judge what it left, and say all of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaos.counting import Figures, count
from chaos.drive import Drive
from chaos.evidence import Evidence
from chaos.orders import make_orders
from chaos.storm import storm
from chaos.verdict import examine
from chaos.world import world


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is made of; the same seed makes the same orders and the same blows, timing aside."""

    seed: str
    orchestrations: int
    workers: int
    time_scale: float = 0.3
    gap_seconds: float = 1.0
    open_at_once: int = 60
    blows: Sequence[str] = ()  # only these, in this order; none: whatever the seed brings, until the end


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run: the violations of each invariant, and how much there was of everything."""

    found: Mapping[str, Sequence[str]]
    figures: Figures
    seconds: float

    @property
    def violations(self) -> list[str]:
        """All of them."""
        return [wrong for violations in self.found.values() for wrong in violations]


def run(plan: Plan, folder: Path, tell: Callable[[str], None] = print) -> Outcome:
    """Do it; the folder keeps what everybody said, and what was paid for."""
    with driven(plan, folder, tell) as drive:
        seconds, given = drive.seconds, Evidence(drive)
        (folder / "ledger.json").write_text(json.dumps(given.ledger), encoding="utf-8")
        return Outcome(examine(drive), count(given), seconds)


@contextlib.contextmanager
def driven(plan: Plan, folder: Path, tell: Callable[[str], None] = print) -> Iterator[Drive]:
    """The run, done, with its world still there for the length of a block."""
    with world(folder, seed=plan.seed, workers=plan.workers, time_scale=plan.time_scale) as made:
        drive = Drive(
            made,
            make_orders(plan.seed, plan.orchestrations),
            storm(plan.seed, plan.gap_seconds, plan.blows),
            open_at_once=plan.open_at_once,
            strikes_all=bool(plan.blows),
            tell=tell,
        )
        drive.run()
        yield drive
