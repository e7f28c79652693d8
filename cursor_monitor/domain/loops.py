"""What an agent that goes in circles looks like: the uses of tools and the words it was seen by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LoopKind(StrEnum):
    """The ways of getting nowhere."""

    SAME_ACTION = "same_action"
    SAME_ERROR = "same_error"
    PING_PONG = "ping_pong"
    CIRCLE = "circle"
    MONOLOGUE = "monologue"
    SILENT = "silent"


LOOP_WORDS = {
    LoopKind.SAME_ACTION: "did the same with the same result",
    LoopKind.SAME_ERROR: "ran into the same error",
    LoopKind.PING_PONG: "went back and forth between the same two steps",
    LoopKind.CIRCLE: "repeated the same few steps",
    LoopKind.MONOLOGUE: "spoke without doing anything",
    LoopKind.SILENT: "said and did nothing",
}
"""What to say of each, before the number of times."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something an agent did (a finished use of a tool) or said, in the order of its run."""

    position: int
    kind: str  # tool, assistant or thinking
    action: str  # the tool and what it was used for; of words, the words
    result: str = ""
    is_failure: bool = False
    key: str = ""  # tells two uses apart whose `action` reads the same

    @property
    def identity(self) -> tuple[str, str]:
        """What was done, and what came of it."""
        return self.key or self.action, self.result


@dataclass(frozen=True, slots=True)
class Loop:
    """What was seen, as data: how often, what, with which result, and where in the run."""

    kind: LoopKind
    count: int
    action: str
    result: str
    first: int
    last: int
    is_certain: bool  # twice as often as makes it worth telling: reason enough to act
