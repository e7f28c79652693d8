"""An Idempotency-Key creates once, also when two come at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cursor_monitor.domain.errors import Conflict, Invalid
from cursor_monitor.services import agents, orchestrations
from cursor_monitor.store import idempotency
from cursor_monitor.store.database import transaction
from tests.support.postgres import ask_one

BODY = {"prompt": "Add a changelog.", "repository": "acme/web"}


def claim(key: str, resource: str, body: dict[str, str] | None = None, scope: str = "s") -> str:
    with transaction() as session:
        return idempotency.claim_key(session, scope, key, body or BODY, resource)


def test_the_same_key_and_body_give_the_first_answer(database: str) -> None:
    assert claim("k", "first") == "first"
    assert claim("k", "second", dict(reversed(BODY.items()))) == "first"
    assert claim("k", "other", scope="t") == "other"


def test_another_body_is_a_conflict(database: str) -> None:
    claim("k", "first")
    with pytest.raises(Conflict) as raised:
        claim("k", "second", {**BODY, "prompt": "Remove it."})
    assert raised.value.code == "idempotency_conflict"


@pytest.mark.parametrize("key", ["", "x" * 201, "a\x00b"])
def test_a_key_must_be_text_of_some_length(database: str, key: str) -> None:
    with pytest.raises(Invalid, match="Idempotency-Key"):
        claim(key, "first")


def test_a_key_whose_change_was_undone_is_free(database: str) -> None:
    def fail_after_claiming() -> None:
        with transaction() as session:
            idempotency.claim_key(session, "s", "k", BODY, "lost")
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail_after_claiming()
    assert claim("k", "second") == "second"


@pytest.mark.parametrize("service", [orchestrations, agents], ids=["orchestrations", "agents"])
def test_eight_at_once_make_one(database: str, service: object) -> None:
    together = threading.Barrier(8)

    def launch(_: int) -> str:
        together.wait(10)
        return service.launch(BODY, by="test", idempotency_key="k")  # type: ignore[attr-defined]

    with ThreadPoolExecutor(8) as threads:
        made = set(threads.map(launch, range(8)))
    assert len(made) == 1
    table = "orchestrations" if service is orchestrations else "agents"
    assert ask_one(database, f"SELECT count(*) FROM {table}") == 1  # type: ignore[arg-type]
    assert ask_one(database, "SELECT count(*) FROM idempotency_keys") == 1
    assert ask_one(database, "SELECT count(*) FROM orchestration_outbox_jobs") == 1


def test_old_keys_are_forgotten(database: str) -> None:
    claim("k", "first")
    with transaction() as session:
        assert idempotency.prune(session, older_than_hours=1) == 0
        session.connection().exec_driver_sql("UPDATE idempotency_keys SET created_at = now() - interval '2 h'")
        assert idempotency.prune(session, older_than_hours=1) == 1
