"""The likely truth: named from what was said, never invented, and the same in whatever order it was heard."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from cursor_monitor.domain.truth import BEGINNINGS, Likely, Source, Truth, Word, judge
from tests.builders import NOW

SAID = {
    Source.POLL: ("CREATING", "RUNNING", "FINISHED", "ERROR", "EXPIRED", "CANCELLED", "DELETED", "DREAMING"),
    Source.LIST: ("ACTIVE", "IDLE", "ARCHIVED", "DELETED"),
    Source.WEBHOOK: ("RUNNING", "FINISHED", "ERROR"),
    Source.STREAM: ("output", "ended"),
    Source.CODE_HOST: ("open", "draft", "merged", "closed", "pushed"),
    Source.PERSON: ("launch", "follow-up", "stop", "archive", "unarchive", "delete"),
}


@st.composite
def some_word(draw: st.DrawFn, source: Source) -> Word:
    seconds = draw(st.sampled_from([0, 5, 60, 200, 700, 1300, 5000]) | st.integers(0, 10_000))
    return Word(source, draw(st.sampled_from(SAID[source])), NOW - timedelta(seconds=seconds))


@st.composite
def some_words(draw: st.DrawFn) -> list[Word]:
    sources = draw(st.lists(st.sampled_from(list(Source)), unique=True))
    found = [draw(some_word(source)) for source in sources]
    return [*found, *draw(st.lists(some_word(Source.PERSON), max_size=2))]


def ago(source: Source, said: str, minutes: float = 0.0) -> Word:
    return Word(source, said, NOW - timedelta(minutes=minutes))


@given(heard=some_words(), seed=st.randoms())
def test_nothing_is_invented_and_the_order_does_not_matter(heard: list[Word], seed: object) -> None:
    truth = judge(heard, NOW)
    assert truth.word is None or truth.word in heard
    assert set(truth.disagreeing) <= set(heard) - {truth.word}
    assert bool(truth.why) >= bool(truth.disagreeing)
    shuffled = list(heard)
    seed.shuffle(shuffled)  # type: ignore[attr-defined]
    assert judge(shuffled, NOW) == truth
    assert judge(heard + heard, NOW) == truth


@given(heard=some_words(), older=some_words())
def test_what_was_said_before_the_run_began_says_nothing_of_it(heard: list[Word], older: list[Word]) -> None:
    begun = Word(Source.PERSON, "follow-up", NOW - timedelta(hours=3))
    before = [Word(w.source, w.said, w.at - timedelta(hours=4)) for w in older if w.said not in BEGINNINGS]
    assert judge([*heard, begun, *before], NOW) == judge([*heard, begun], NOW)


@given(said=st.sampled_from(SAID[Source.POLL]), list_said=st.sampled_from(SAID[Source.LIST]))
def test_a_fresh_poll_alone_is_the_truth(said: str, list_said: str) -> None:
    truth = judge([ago(Source.POLL, said), ago(Source.LIST, "ACTIVE", 9)], NOW)
    assert (truth.word, truth.disagreeing, truth.why) == (ago(Source.POLL, said), (), None)
    assert (truth.likely is Likely.WORKING) == (said in ("CREATING", "RUNNING", "DREAMING"))


def test_running_without_output_for_long_and_merged_is_likely_over() -> None:
    output, merged = ago(Source.STREAM, "output", 22), ago(Source.CODE_HOST, "merged", 15)
    running = ago(Source.POLL, "RUNNING")
    truth = judge([ago(Source.PERSON, "launch", 60), running, output, merged], NOW)
    why = "Cursor says RUNNING, last output 22 min ago, its pull request is merged."
    assert truth == Truth(Likely.FINISHED, running, (output, merged), why)


def test_running_and_merged_with_output_just_now_is_likely_at_work() -> None:
    merged = ago(Source.CODE_HOST, "merged", 15)
    truth = judge([ago(Source.POLL, "RUNNING"), ago(Source.STREAM, "output", 1), merged], NOW)
    assert (truth.likely, truth.disagreeing) == (Likely.WORKING, (merged,))
    assert truth.why is not None
    assert "merged" in truth.why


def test_a_long_silence_is_told() -> None:
    output = ago(Source.STREAM, "output", 25)
    truth = judge([ago(Source.POLL, "RUNNING"), output], NOW)
    assert (truth.likely, truth.disagreeing) == (Likely.STUCK, (output,))
    assert judge([ago(Source.POLL, "RUNNING"), ago(Source.STREAM, "output", 15)], NOW).likely is Likely.WORKING


def test_a_newer_webhook_wins_over_an_older_poll_and_the_other_way_round() -> None:
    poll, hook = ago(Source.POLL, "RUNNING", 1), ago(Source.WEBHOOK, "FINISHED")
    assert (judge([poll, hook], NOW).likely, judge([poll, hook], NOW).disagreeing) == (Likely.FINISHED, (poll,))
    poll, hook = ago(Source.POLL, "RUNNING"), ago(Source.WEBHOOK, "FINISHED", 3)
    assert (judge([poll, hook], NOW).likely, judge([poll, hook], NOW).disagreeing) == (Likely.WORKING, (hook,))


def test_output_after_the_end_is_told() -> None:
    ended, output = ago(Source.POLL, "FINISHED", 9), ago(Source.STREAM, "output", 1)
    assert judge([ended, output], NOW).likely is Likely.WORKING
    assert judge([ended, ago(Source.STREAM, "output", 8)], NOW).why is None


def test_a_word_that_nobody_confirmed_for_long_is_not_relied_on() -> None:
    truth = judge([ago(Source.POLL, "RUNNING", 180)], NOW)
    assert (truth.likely, truth.why) == (Likely.UNKNOWN, "Cursor says RUNNING 3 h ago, and nothing was heard since.")


def test_a_stop_that_does_not_come_is_told() -> None:
    asked = ago(Source.PERSON, "stop", 3)
    truth = judge([ago(Source.PERSON, "launch", 30), ago(Source.POLL, "RUNNING"), asked], NOW)
    assert (truth.likely, truth.disagreeing) == (Likely.WORKING, (asked,))
    assert judge([ago(Source.POLL, "RUNNING"), ago(Source.PERSON, "stop", 1)], NOW).why is None
