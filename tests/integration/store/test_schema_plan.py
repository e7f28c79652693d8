"""What `migrate --dry-run` shows: the difference, found on the database itself and taken back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cursor_monitor.store.embedded import EmbeddedPostgres
from cursor_monitor.store.schema import SCHEMA_VERSION, migrate
from cursor_monitor.store.schema_plan import Plan, plan
from tests.support import postgres
from tests.support.old_databases import load


@pytest.fixture
def url(server: EmbeddedPostgres) -> Iterator[str]:
    """A database without any schema."""
    made = postgres.make_database(server, template="template0")
    yield made
    postgres.drop_database(server, made)


def test_an_upgrade_is_told_beforehand_and_none_of_it_done(url: str) -> None:
    load(url, 1)
    found = plan(url)
    assert (found.version, found.target) == (1, SCHEMA_VERSION)
    assert {"table api_tokens", "column agents.account_id"} <= {*found.added}
    assert "column agents.id" not in {*found.added, *found.changed, *found.removed}
    assert plan(url) == found, "nothing was changed"
    assert migrate(url) == SCHEMA_VERSION
    assert plan(url) == Plan(SCHEMA_VERSION, SCHEMA_VERSION)


def test_a_new_database_gets_everything_and_a_newer_one_is_refused(url: str) -> None:
    found = plan(url)
    assert (found.version, found.changed, found.removed) == (None, (), ())
    assert "table orchestrations" in found.added
    migrate(url)
    postgres.ask(url, "INSERT INTO schema_version (version) VALUES (99)")
    with pytest.raises(RuntimeError, match="schema version 99"):
        plan(url)
