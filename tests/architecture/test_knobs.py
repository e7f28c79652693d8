"""Every way in which the simulator can misbehave has a test of the client and one of the worker that come out right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cursor_monitor.simulator.auth import TROUBLES
from cursor_monitor.simulator.faults import EFFECTS
from cursor_monitor.simulator.scenarios import Scenario

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs/simulator.md").read_text(encoding="utf-8")
ANSWERS = "cursor/test_answers.py"
BAD_DAYS = "integration/services/test_bad_days.py"
FAILURES = "cursor/test_failures.py"
KNOBS = "integration/services/test_knobs.py"
SIMULATOR = "cursor/test_simulator.py"
SOCKETS = "cursor/test_sockets.py"
STREAM = "cursor/test_stream.py"
STREAMS = "integration/worker/test_streams.py"
WEBHOOKS = "cursor/test_webhooks.py"
PASSING = f"{BAD_DAYS}::test_what_passes_costs_time_only"
CANCELLING = f"{BAD_DAYS}::test_a_cancellation_is_what_comes_of_it"
BLOCKING = f"{BAD_DAYS}::test_what_a_person_has_to_mend_blocks_and_then_goes_on"
FOLLOWING = f"{KNOBS}::test_a_follow_up_is_sent_once_whatever_becomes_of_the_answer"
STREAMING = f"{STREAMS}::test_faults_of_the_stream_cost_nothing"
USED = f"{KNOBS}::test_what_an_agent_used_is_unknown_until_it_is_told_and_never_zero"
HOOKED = f"{KNOBS}::test_a_webhook_makes_a_worker_look_once"

# The client's test, then the worker's. Where a behaviour does not show in a single answer, the worker's test, in which
# the client is the real one, stands for both.
TESTS: dict[str, tuple[str, str]] = {
    "delay": (f"{SOCKETS}::test_silence_after_a_post_is_unknown", PASSING),
    "status": (f"{FAILURES}::test_an_unsettled_code_is_unknown_on_a_post_only", PASSING),
    "rate_limit": (f"{FAILURES}::test_a_rate_limited_post_says_when_to_come_back", PASSING),
    "usage_limit": (f"{SIMULATOR}::test_money_and_keys_are_told_apart", BLOCKING),
    "feature_unavailable": (f"{FAILURES}::test_a_get_is_sorted_alike", USED),
    "html": (f"{FAILURES}::test_a_broken_answer_to_a_post_is_unknown_and_never_sent_twice", PASSING),
    "empty": (f"{FAILURES}::test_a_success_that_cannot_be_read", PASSING),
    "truncated": (f"{SOCKETS}::test_a_cut_answer", PASSING),
    "cut": (f"{FAILURES}::test_a_post_without_an_answer_is_unknown", FOLLOWING),
    "no_repositories_limit": (
        f"{SIMULATOR}::test_what_an_account_has",
        f"{KNOBS}::test_the_list_of_repositories_is_asked_for_within_its_limit",
    ),
    "request_limit": (
        "cursor/test_limits.py::test_the_newest_limits_are_kept",
        "integration/services/test_governor.py::test_under_a_real_limit_nothing_is_refused_and_nothing_is_lost",
    ),
    "code_host_limit": (
        "codehost/test_client.py::test_a_spent_budget_tells_when_it_is_whole_again",
        "integration/services/test_code_host.py::test_a_refusal_keeps_everyone_away_for_a_while",
    ),
    "usage_delay": (f"{ANSWERS}::test_usage_not_recorded_yet_is_unknown_not_zero", USED),
    "artifacts_empty": (
        f"{ANSWERS}::test_repositories_artifacts_and_conversation",
        f"{KNOBS}::test_files_that_are_not_listed_yet_are_found_later",
    ),
    "list_lag": (PASSING, PASSING),
    "cancel_delay": (CANCELLING, CANCELLING),
    "cancel_loses": (CANCELLING, CANCELLING),
    "unknown_status": (f"{SIMULATOR}::test_words_never_seen_before_survive", PASSING),
    "unknown_field": (f"{SIMULATOR}::test_words_never_seen_before_survive", PASSING),
    "stream_unavailable": (f"{STREAM}::test_a_refusal_inside_the_stream_is_the_same_error", STREAMING),
    "stream_drop": (f"{STREAM}::test_a_cut_stream_is_never_mistaken_for_its_end", STREAMING),
    "stream_expired": (
        f"{STREAM}::test_a_refused_stream_is_typed",
        f"{STREAMS}::test_what_can_no_longer_be_streamed_is_taken_from_the_conversation",
    ),
    "unknown_event": (f"{STREAM}::test_any_data_gives_a_frame", STREAMING),
    "webhook_duplicate": (f"{WEBHOOKS}::test_a_retry_with_another_delivery_id_has_the_same_dedupe_key", HOOKED),
    "webhook_out_of_order": (
        f"{WEBHOOKS}::test_a_replayed_delivery_is_refused",
        f"{KNOBS}::test_a_webhook_out_of_order_never_ends_what_began_meanwhile",
    ),
    "webhook_lost": (PASSING, f"{KNOBS}::test_without_its_webhook_the_end_is_seen_all_the_same"),
    "webhook_bad_signature": (f"{WEBHOOKS}::test_a_wrong_signature_is_refused", HOOKED),
}
# Nothing here sends environment variables to Cursor.
NOT_USED = {"env_vars_ignored"}


def test_every_fault_has_its_tests() -> None:
    assert TESTS.keys() | NOT_USED == EFFECTS.keys()


@pytest.mark.parametrize("name", sorted({name for pair in TESTS.values() for name in pair}))
def test_a_test_that_is_named_is_there(name: str) -> None:
    path, _, function = name.partition("::")
    assert re.search(rf"^(async )?def {function}\(", (ROOT / "tests" / path).read_text(encoding="utf-8"), re.MULTILINE)


def test_the_document_lists_every_fault_setting_marker_and_trouble() -> None:
    settings = {setting for known in EFFECTS.values() for setting in known}
    markers = {field.replace("_", "-") for field in Scenario.__dataclass_fields__} | {"success"}
    missing = [word for word in (*EFFECTS, *settings, *TROUBLES) if f"`{word}`" not in DOCS]
    assert missing + [marker for marker in markers if f"`[[sim:{marker}" not in DOCS] == []
