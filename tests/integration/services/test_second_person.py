"""Two people act on one thing: the second is told, and by whom it was done."""

from __future__ import annotations

import pytest

from cursor_monitor.domain.errors import Conflict
from cursor_monitor.services import orchestrations


def test_who_comes_second_is_told_who_was_first(database: str) -> None:
    made = orchestrations.launch({"prompt": "Do it.", "repository": "acme/web", "mode": "SINGLE_AGENT"}, by="Ada")
    orchestrations.pause(made, by="Ada")
    with pytest.raises(Conflict, match=r"Cannot pause: the orchestration is paused\. Paused by Ada;"):
        orchestrations.pause(made, by="Bob")
    orchestrations.resume(made, by="Bob")
    orchestrations.cancel(made, by="Ada")
    with pytest.raises(Conflict, match="Cancel requested by Ada"):
        orchestrations.resume(made, by="Bob")
