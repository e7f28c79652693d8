"""What somebody has seen of what waits for them is kept, for them alone."""

from __future__ import annotations

import pytest

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.queries.needs import seen_marks
from cursor_monitor.services import needs
from cursor_monitor.services.caller import personal


def test_what_was_seen_stays_seen_for_that_person(database: str) -> None:
    needs.see(["a respond Decide", "b respond Mend"])
    needs.see(["a respond Decide"])
    assert seen_marks(personal()) == {"a respond Decide", "b respond Mend"}
    assert seen_marks("another") == frozenset()


@pytest.mark.parametrize("marks", [["x"] * 201, ["x" * 301], ["a\x00b"]])
def test_what_cannot_be_a_mark_is_refused(marks: list[str]) -> None:
    with pytest.raises(Invalid, match="at most"):
        needs.see(marks)
