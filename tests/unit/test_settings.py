"""Settings: each wrong variable stops the start with one line that names it, what is wrong and an example."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cursor_monitor.settings import Settings, SettingsError, load_settings

ROOT = Path(__file__).resolve().parents[2]

WHOLE = ("PORT", "SIMULATOR_PORT", "REDIS_PORT", "MAX_ITERATIONS", "QUALITY_THRESHOLD", "MAX_PARALLEL_AGENTS")
WHOLE += ("WORKER_CONCURRENCY", "CURSOR_RATE_PER_MINUTE", "STREAMS_PER_WORKER")
NUMBERS = ("AGENT_TIMEOUT_HOURS", "WORKER_POLL_SECONDS", "OBSERVE_MIN_SECONDS", "OBSERVE_MAX_SECONDS")
NUMBERS += ("HEARTBEAT_SECONDS", "LEASE_SECONDS", "DRAIN_SECONDS", "GITHUB_POLL_SECONDS")
URLS = ("CURSOR_API_URL", "GITHUB_API_URL", "PUBLIC_URL", "SUPABASE_URL", "NEXT_PUBLIC_SUPABASE_URL")
DATABASES = ("DATABASE_URL", "SUPABASE_DB_URL")


class Recorder(Mapping[str, str]):
    """An empty environment that remembers which variables were asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        raise KeyError(name)

    def __iter__(self):
        return iter(())

    def __len__(self) -> int:
        return 0


SECRETS = {
    "CURSOR_API_KEY": "crsr_hunter2_0011223344",
    "CURSOR_WEBHOOK_SECRET": "hunter2" * 6,
    "CURSOR_MONITOR_SECRET_KEY": "Aq3kX9mZ1pL7vT5wR2yB8nC4dF6gH0jK",
    "GITHUB_TOKEN": "github_pat_hunter2",
    "REDIS_PASSWORD": "hunter2",
    "DATABASE_URL": "postgresql://u:hunter2@db.example.com/x",
    "SUPABASE_DB_URL": "postgresql://u:hunter2@db.example.com/x",
    "SUPABASE_ANON_KEY": "hunter2-anon",
    "NEXT_PUBLIC_SUPABASE_ANON_KEY": "hunter2-anon",
    "SUPABASE_SERVICE_ROLE_KEY": "hunter2-role",
    "SUPABASE_JWT_SECRET": "hunter2-jwt-secret-of-the-project",
}


def complaint(name: str, value: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings({name: value})
    return str(caught.value)


def names_read() -> set[str]:
    recorder = Recorder()
    load_settings(recorder)
    return {name for name in recorder.asked if not name.endswith("_FILE")}


def test_an_empty_environment_gives_the_defaults() -> None:
    assert load_settings({}) == Settings()


@given(st.sampled_from(sorted(names_read())), st.sampled_from(["", " ", "\t"]))
def test_an_empty_value_means_unset(name: str, value: str) -> None:
    assert load_settings({name: value}) == Settings()


@pytest.mark.parametrize("name", [*WHOLE, *NUMBERS])
@pytest.mark.parametrize("value", ["many", "-1", "1e9", "nan", "12,5", "0x10", "٣x"])
def test_a_number_that_cannot_be_used_is_named(name: str, value: str) -> None:
    message = complaint(name, value)
    assert re.fullmatch(rf"{name}: must be a (whole )?number from \S+ to \S+, not .+; example: {name}=\S+", message)


@given(st.sampled_from(WHOLE), st.integers())
def test_a_whole_number_is_taken_or_refused_but_never_changed(name: str, value: int) -> None:
    field = {"WORKER_POLL_SECONDS": "poll_seconds"}.get(name, name.lower())
    try:
        assert getattr(load_settings({name: str(value)}), field) == value
    except SettingsError as error:
        low, high = (int(bound) for bound in re.findall(r"from (\d+) to (\d+)", str(error))[0])
        assert not low <= value <= high


@pytest.mark.parametrize("name", [*WHOLE, *NUMBERS])
def test_the_example_of_a_complaint_works(name: str) -> None:
    example = complaint(name, "x").rsplit("=", 1)[1]
    load_settings({name: example})


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize("value", ["example.com", "ftp://example.com", "http://", "http://h:port", "http://[::1"])
def test_a_url_that_cannot_be_used_is_named(name: str, value: str) -> None:
    message = complaint(name, value)
    assert message.startswith(f"{name}: must be an http(s) URL, not ")
    load_settings({name: message.rsplit("example: ", 1)[1]})


@pytest.mark.parametrize("name", DATABASES)
@pytest.mark.parametrize(
    "value",
    [
        "mysql://root:hunter2@db/x",
        "hunter2",
        "postgresql://u:hunter2#x@db/x",
        "postgresql://u:[YOUR-PASSWORD]@db:5432/hunter2",
        "postgresql://u:hunter2@db:notaport/x",
    ],
)
def test_a_wrong_database_url_is_named_and_its_password_is_not_repeated(name: str, value: str) -> None:
    message = complaint(name, value)
    assert message.startswith(f"{name}: ")
    assert "hunter2" not in message
    load_settings({name: message.rsplit("example: ", 1)[1]})


@pytest.mark.parametrize("name", ["HOST", "REDIS_HOST"])
@pytest.mark.parametrize("value", ["http://localhost", "a b", "host:80", "..", "1.2.3.4/8"])
def test_a_wrong_host_is_named(name: str, value: str) -> None:
    assert complaint(name, value).startswith(f"{name}: must be an address or a host name, not ")


@pytest.mark.parametrize(
    ("name", "value"),
    [("LOG_LEVEL", "LOUD"), ("AUTH_REQUIRED", "perhaps"), ("OBSERVE_MIN_SECONDS", "31")],
)
def test_other_wrong_values_are_named_with_an_example(name: str, value: str) -> None:
    assert re.fullmatch(rf"{name}: must .+; example: {name}=\S+", complaint(name, value))


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.0.0.2", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("192.168.1.4", False),
        ("localhost.example.com", False),
    ],
)
def test_is_local_means_loopback(host: str, is_local: bool) -> None:
    assert load_settings({"HOST": host}).is_local is is_local


def test_a_secret_can_come_from_a_file_and_the_variable_wins(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("from-file\n")
    assert load_settings({"CURSOR_API_KEY_FILE": str(secret)}).cursor_api_key == "from-file"
    assert load_settings({"CURSOR_API_KEY_FILE": str(secret), "CURSOR_API_KEY": "here"}).cursor_api_key == "here"


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_can_come_from_a_file(name: str, tmp_path: Path) -> None:
    value = SECRETS[name]
    secret = tmp_path / "secret"
    secret.write_text(f"{value}\n")
    from_file = load_settings({f"{name}_FILE": str(secret)})
    assert from_file == load_settings({name: value}) != load_settings({})
    assert value not in repr(from_file)


def test_a_missing_secret_file_is_named(tmp_path: Path) -> None:
    message = complaint("REDIS_PASSWORD_FILE", str(tmp_path / "absent"))
    assert message.startswith(f"REDIS_PASSWORD_FILE: cannot read {tmp_path / 'absent'}")
    assert message.endswith("example: /run/secrets/redis_password")


def test_the_older_names_of_supabase_still_work() -> None:
    settings = load_settings(
        {
            "NEXT_PUBLIC_SUPABASE_URL": "https://p.supabase.co/",
            "NEXT_PUBLIC_SUPABASE_ANON_KEY": "anon",
            "SUPABASE_DB_URL": "postgresql://u@db/x",
        }
    )
    assert (settings.supabase_url, settings.supabase_anon_key) == ("https://p.supabase.co", "anon")
    assert settings.database_url == "postgresql://u@db/x"


def documented() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    found = [re.fullmatch(r"#?([A-Z][A-Z0-9_]*)=(.*)", line) for line in lines]
    return {match[1]: match[2] for match in found if match}


def test_the_example_file_has_every_variable_with_a_comment() -> None:
    assert set(documented()) == names_read()
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if re.match(r"#?[A-Z][A-Z0-9_]*=", line):
            above = lines[number - 1]
            assert above.startswith("# ") or re.match(r"#?[A-Z][A-Z0-9_]*=", above), line


def test_the_values_of_the_example_file_are_the_defaults() -> None:
    assert load_settings(documented()) == Settings()


SUPABASE = {"SUPABASE_URL": "https://p.supabase.co", "SUPABASE_ANON_KEY": "sb_publishable_x"}
SERVICE_KEY = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.hunter2"


def test_who_may_come_in_with_supabase_is_read_as_a_list() -> None:
    found = load_settings({**SUPABASE, "SUPABASE_ADMINS": "Ada@Example.com,\n @example.org ,ada@example.com"})
    assert found.supabase_admins == ("ada@example.com", "@example.org")
    assert found.names_admins


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SUPABASE_ADMINS", "everybody", "must be addresses or @domains, not 'everybody'"),
        ("SUPABASE_VIEWERS", "*@example.com", "must be addresses or @domains"),
        ("SUPABASE_VIEWERS", "@gmail.com", "must not be @gmail.com, where everybody can have an address"),
        ("SUPABASE_ANON_KEY", SERVICE_KEY, "is a secret key of the project"),
        ("SUPABASE_ANON_KEY", "sb_secret_hunter2", "is a secret key of the project"),
        ("SUPABASE_JWT_SECRET", "hunter2", "must be the project's JWT secret"),
        ("SUPABASE_URL", "http://p.supabase.co", "must begin with https://"),
    ],
)
def test_a_wrong_value_for_supabase_is_named_and_no_secret_is_repeated(name: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({**SUPABASE, name: value})
    assert str(caught.value).startswith(f"{name}: {says}")
    assert "hunter2" not in str(caught.value)


def test_people_without_a_project_are_named() -> None:
    assert complaint("SUPABASE_OPERATORS", "@example.com").startswith("SUPABASE_OPERATORS: needs SUPABASE_URL and ")
    load_settings({"SUPABASE_URL": "http://kong:8000"})


@pytest.mark.parametrize("name", sorted(SECRETS))
@pytest.mark.parametrize("value", ["your-key", "YOUR_SECRET_KEY_FROM_THE_DASHBOARD_HERE", "change-me" * 5, "<the key>"])
def test_a_placeholder_in_the_place_of_a_secret_stops_the_start(name: str, value: str) -> None:
    assert complaint(name, value).startswith(f"{name}: ")


def test_an_empty_file_of_a_secret_stops_the_start(tmp_path: Path) -> None:
    empty = tmp_path / "key"
    empty.write_text("\n")
    assert complaint("CURSOR_API_KEY_FILE", str(empty)).startswith(f"CURSOR_API_KEY_FILE: {empty} is empty; ")


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgresql://u:p@db.example.com/x", "postgresql://u:p@db.example.com/x?sslmode=require"),
        ("postgresql://u:p@8.8.8.8/x?a=b", "postgresql://u:p@8.8.8.8/x?a=b&sslmode=require"),
        ("postgresql://u:p@db.example.com/x?sslmode=verify-full", None),
        ("postgresql://u:p@postgres:5432/x", None),
        ("postgresql://u:p@10.0.0.7/x?sslmode=disable", None),
        ("postgresql://u@/x?host=/var/run/postgresql", None),
        ("postgresql://u:p@db.prod.svc.cluster.local/x", None),
    ],
)
def test_a_database_beyond_ones_own_network_is_used_over_tls_alone(given: str, used: str | None) -> None:
    assert load_settings({"DATABASE_URL": given}).database_url == (used or given)


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer"])
def test_a_database_beyond_ones_own_network_is_never_asked_in_the_clear(mode: str) -> None:
    for host in ("db.example.com", "10.0.0.7,db.example.com"):
        said = complaint("DATABASE_URL", f"postgresql://u:hunter2@{host}/x?sslmode={mode}")
        assert said.startswith(f"DATABASE_URL: must not have sslmode={mode}")
        assert "hunter2" not in said
