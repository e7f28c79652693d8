"""Configuration: the environment, read once, into one frozen value."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urlsplit

from cursor_monitor.secrets.master import parse_master_keys
from cursor_monitor.setting_values import (
    http_url,
    parse_anon_key,
    parse_email,
    parse_host,
    parse_jwt_secret,
    parse_people,
    parse_postgres_url,
    parse_supabase_url,
    parse_token,
    parse_webhook_secret,
    refuse_placeholder,
)

T = TypeVar("T")

VERSION = "0.1.0"
CURSOR_API = "https://api.cursor.com"
GITHUB_API = "https://api.github.com"
SIMULATOR_TOKEN = "simulator"  # noqa: S105
SECRET_VARIABLES = (
    "ADMIN_PASSWORD",
    "CURSOR_API_KEY",
    "CURSOR_MONITOR_SECRET_KEY",
    "CURSOR_MONITOR_TOKEN",
    "CURSOR_WEBHOOK_SECRET",
    "DATABASE_URL",
    "GITHUB_TOKEN",
    "REDIS_PASSWORD",
    "SMTP_PASSWORD",
    "SUPABASE_ANON_KEY",
    "SUPABASE_DB_URL",
    "SUPABASE_JWT_SECRET",
    "SUPABASE_SERVICE_ROLE_KEY",
    "NEXT_PUBLIC_SUPABASE_ANON_KEY",
)
"""What a build, a log or a browser must never see; each may be given as NAME_FILE."""
TRUE_WORDS = ("1", "true", "yes", "on")
FALSE_WORDS = ("0", "false", "no", "off")


class SettingsError(ValueError):
    """A variable of the environment has a value that cannot work; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the product can be told from outside; durations in seconds unless named otherwise."""

    host: str = "127.0.0.1"
    port: int = 3000
    public_url: str | None = None
    auth_required: bool = False
    admin_email: str | None = None
    admin_password: str | None = field(default=None, repr=False)
    trusted_proxy_hops: int = 0
    client_url: str | None = None
    client_token: str | None = field(default=None, repr=False)
    data_dir: Path = Path(".data")
    database_url: str | None = field(default=None, repr=False)
    supabase_url: str | None = None
    supabase_anon_key: str | None = field(default=None, repr=False)
    supabase_service_role_key: str | None = field(default=None, repr=False)
    supabase_jwt_secret: str | None = field(default=None, repr=False)
    supabase_admins: tuple[str, ...] = ()
    supabase_operators: tuple[str, ...] = ()
    supabase_viewers: tuple[str, ...] = ()
    cursor_api_key: str | None = field(default=None, repr=False)
    cursor_api_url: str = CURSOR_API
    cursor_rate_per_minute: int = 300
    cursor_webhook_secret: str | None = field(default=None, repr=False)
    github_token: str | None = field(default=None, repr=False)
    github_api_url: str = GITHUB_API
    github_poll_seconds: float = 15.0
    secret_keys: tuple[str, ...] = field(default=(), repr=False)
    simulator_port: int = 3900
    redis_host: str | None = None
    redis_port: int = 6379
    redis_password: str | None = field(default=None, repr=False)
    smtp_host: str | None = None
    smtp_port: int = 587
    smtp_security: str = "starttls"
    smtp_user: str | None = None
    smtp_password: str | None = field(default=None, repr=False)
    smtp_from: str | None = None
    notify_allow_private: bool = False
    max_iterations: int = 20
    quality_threshold: int = 70
    agent_timeout_hours: float = 4.0
    max_parallel_agents: int = 3
    max_parallel_agents_per_account: int = 0
    max_parallel_agents_per_repository: int = 0
    max_agents_per_day: int = 0
    max_followups_per_day: int = 0
    max_cents_per_day: int = 0
    poll_seconds: float = 5.0
    observe_min_seconds: float = 1.0
    observe_max_seconds: float = 30.0
    heartbeat_seconds: float = 15.0
    lease_seconds: float = 30.0
    drain_seconds: float = 20.0
    worker_concurrency: int = 20
    streams_per_worker: int = 300
    log_level: str = "INFO"
    otlp_endpoint: str | None = None

    @property
    def simulated(self) -> bool:
        """True where no real key is set, so that Cursor's API is played by the built-in simulator."""
        return self.cursor_api_key is None

    @property
    def redis_url(self) -> str | None:
        """Where Redis is, with its password; None where there is none."""
        if self.redis_host is None:
            return None
        host = f"[{self.redis_host}]" if ":" in self.redis_host else self.redis_host
        password = f":{quote(self.redis_password, safe='')}@" if self.redis_password else ""
        return f"redis://{password}{host}:{self.redis_port}"

    @property
    def code_host_token(self) -> str | None:
        """What the code host is asked with; None where it is not asked at all."""
        if self.github_token is None and self.simulated and self.github_api_url != GITHUB_API:
            return SIMULATOR_TOKEN
        return self.github_token

    @property
    def code_host_web(self) -> str:
        """The host of the code host's pages, which is that of repositories and pull requests."""
        host = urlsplit(self.github_api_url).hostname or ""
        return "github.com" if self.code_host_token == SIMULATOR_TOKEN else host.removeprefix("api.")

    @property
    def requires_sign_in(self) -> bool:
        """True unless only this machine can reach the app, and nobody asked for a sign-in."""
        return self.auth_required or not self.is_local

    @property
    def has_supabase(self) -> bool:
        """True where people may sign in with Supabase."""
        return self.supabase_url is not None and self.supabase_anon_key is not None

    @property
    def names_admins(self) -> bool:
        """True where the configuration says who is an administrator, so that no first visit makes one."""
        return self.admin_email is not None or (self.has_supabase and bool(self.supabase_admins))

    @property
    def own_url(self) -> str | None:
        """Where people reach the app, as far as the configuration tells; never what a request says."""
        if self.public_url is not None or not self.is_local:
            return self.public_url
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """True where only this machine can reach the app."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment; raise SettingsError naming the variable, what is wrong and an example."""
    read = _Reader(os.environ if environ is None else environ)
    settings = Settings(
        host=read.parsed("HOST", parse_host) or "127.0.0.1",
        port=read.whole("PORT", 3000, 1, 65535),
        public_url=read.parsed("PUBLIC_URL", _public_url),
        auth_required=read.flag("AUTH_REQUIRED"),
        admin_email=read.parsed("ADMIN_EMAIL", parse_email),
        admin_password=read.secret("ADMIN_PASSWORD"),
        trusted_proxy_hops=read.whole("TRUSTED_PROXY_HOPS", 0, 0, 10),
        client_url=read.parsed("CURSOR_MONITOR_URL", _public_url),
        client_token=read.secret("CURSOR_MONITOR_TOKEN", parse_token),
        data_dir=Path(read.text("DATA_DIR") or ".data"),
        database_url=read.parsed("DATABASE_URL", parse_postgres_url)
        or read.parsed("SUPABASE_DB_URL", parse_postgres_url),
        supabase_url=read.either(("SUPABASE_URL", "NEXT_PUBLIC_SUPABASE_URL"), parse_supabase_url),
        supabase_anon_key=read.either(("SUPABASE_ANON_KEY", "NEXT_PUBLIC_SUPABASE_ANON_KEY"), parse_anon_key),
        supabase_service_role_key=read.secret("SUPABASE_SERVICE_ROLE_KEY"),
        supabase_jwt_secret=read.secret("SUPABASE_JWT_SECRET", parse_jwt_secret),
        supabase_admins=read.parsed("SUPABASE_ADMINS", parse_people) or (),
        supabase_operators=read.parsed("SUPABASE_OPERATORS", parse_people) or (),
        supabase_viewers=read.parsed("SUPABASE_VIEWERS", parse_people) or (),
        cursor_api_key=read.secret("CURSOR_API_KEY"),
        cursor_api_url=read.parsed("CURSOR_API_URL", _cursor_url) or CURSOR_API,
        cursor_rate_per_minute=read.whole("CURSOR_RATE_PER_MINUTE", 300, 5, 1_000_000),
        cursor_webhook_secret=read.secret("CURSOR_WEBHOOK_SECRET", parse_webhook_secret),
        github_token=read.secret("GITHUB_TOKEN", parse_token),
        github_api_url=read.parsed("GITHUB_API_URL", _github_url) or GITHUB_API,
        github_poll_seconds=read.number("GITHUB_POLL_SECONDS", 15.0, 0.02, 600),
        secret_keys=read.parsed("CURSOR_MONITOR_SECRET_KEY", parse_master_keys) or (),
        simulator_port=read.whole("SIMULATOR_PORT", 3900, 1, 65535),
        redis_host=read.parsed("REDIS_HOST", parse_host),
        redis_port=read.whole("REDIS_PORT", 6379, 1, 65535),
        redis_password=read.secret("REDIS_PASSWORD"),
        smtp_host=read.parsed("SMTP_HOST", parse_host),
        smtp_port=read.whole("SMTP_PORT", 587, 1, 65535),
        smtp_security=read.choice("SMTP_SECURITY", "STARTTLS", ("STARTTLS", "TLS", "NONE")).lower(),
        smtp_user=read.text("SMTP_USER"),
        smtp_password=read.secret("SMTP_PASSWORD"),
        smtp_from=read.parsed("SMTP_FROM", parse_email),
        notify_allow_private=read.flag("NOTIFY_ALLOW_PRIVATE"),
        max_iterations=read.whole("MAX_ITERATIONS", 20, 1, 100),
        quality_threshold=read.whole("QUALITY_THRESHOLD", 70, 0, 100),
        agent_timeout_hours=read.number("AGENT_TIMEOUT_HOURS", 4.0, 0.001, 168),
        max_parallel_agents=read.whole("MAX_PARALLEL_AGENTS", 3, 1, 100),
        max_parallel_agents_per_account=read.whole("MAX_PARALLEL_AGENTS_PER_ACCOUNT", 0, 0, 10_000),
        max_parallel_agents_per_repository=read.whole("MAX_PARALLEL_AGENTS_PER_REPOSITORY", 0, 0, 10_000),
        max_agents_per_day=read.whole("MAX_AGENTS_PER_DAY", 0, 0, 1_000_000),
        max_followups_per_day=read.whole("MAX_FOLLOWUPS_PER_DAY", 0, 0, 10_000_000),
        max_cents_per_day=read.whole("MAX_CENTS_PER_DAY", 0, 0, 100_000_000),
        poll_seconds=read.number("WORKER_POLL_SECONDS", 5.0, 0.05, 60),
        observe_min_seconds=read.number("OBSERVE_MIN_SECONDS", 1.0, 0.02, 600),
        observe_max_seconds=read.number("OBSERVE_MAX_SECONDS", 30.0, 0.02, 3600),
        heartbeat_seconds=read.number("HEARTBEAT_SECONDS", 15.0, 0.2, 300),
        lease_seconds=read.number("LEASE_SECONDS", 30.0, 1, 3600),
        drain_seconds=read.number("DRAIN_SECONDS", 20.0, 0, 3600),
        worker_concurrency=read.whole("WORKER_CONCURRENCY", 20, 1, 1000),
        streams_per_worker=read.whole("STREAMS_PER_WORKER", 300, 0, 800),
        log_level=read.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        otlp_endpoint=read.parsed("OTEL_EXPORTER_OTLP_ENDPOINT", _collector_url),
    )
    _check_together(settings)
    return settings


class _Reader:
    """Typed access to one environment; empty means unset, and NAME_FILE names a file with the value."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str) -> str | None:
        value = self._environ.get(name, "").strip()
        path = self._environ.get(f"{name}_FILE", "").strip()
        if value or not path:
            return value or None
        try:
            found = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            example = f"/run/secrets/{name.lower()}"
            raise SettingsError(f"{name}_FILE: cannot read {path} ({error}); example: {example}") from None
        if not found:
            raise SettingsError(f"{name}_FILE: {path} is empty; write the value into it, or leave {name}_FILE empty")
        return found

    def secret(self, name: str, parse: Callable[[str], str] = str) -> str | None:
        return self.parsed(name, lambda value: parse(refuse_placeholder(value)))

    def parsed(self, name: str, parse: Callable[[str], T]) -> T | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            return parse(value)
        except ValueError as error:
            raise SettingsError(f"{name}: {error}") from None

    def either(self, names: tuple[str, ...], parse: Callable[[str], T]) -> T | None:
        found = [self.parsed(name, parse) for name in names]
        return next((value for value in found if value is not None), None)

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        must = f"must be a whole number from {low} to {high}"
        return self._number(name, int, must, default, low, high)

    def number(self, name: str, default: float, low: float, high: float) -> float:
        must = f"must be a number from {low:g} to {high:g}"
        return self._number(name, float, must, default, low, high)

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = (self.text(name) or default).upper()
        if value not in choices:
            raise _wrong(name, f"must be one of {', '.join(choices)}", value, default)
        return value

    def flag(self, name: str) -> bool:
        value = (self.text(name) or "0").lower()
        if value not in (*TRUE_WORDS, *FALSE_WORDS):
            raise _wrong(name, "must be 1 or 0", value, "1")
        return value in TRUE_WORDS

    def _number(
        self, name: str, kind: Callable[[str], _Number], must: str, default: _Number, low: float, high: float
    ) -> _Number:
        value = self.text(name)
        if value is None:
            return default
        try:
            number = kind(value)
        except ValueError:
            raise _wrong(name, must, value, default) from None
        # Also false for "nan".
        if not low <= number <= high:
            raise _wrong(name, must, value, default)
        return number


_Number = TypeVar("_Number", int, float)


def _wrong(name: str, must: str, value: str, example: object) -> SettingsError:
    return SettingsError(f"{name}: {must}, not {value[:40]!r}; example: {name}={example}")


def _check_together(settings: Settings) -> None:
    if settings.observe_min_seconds > settings.observe_max_seconds:
        raise SettingsError(
            f"OBSERVE_MIN_SECONDS: must not be above OBSERVE_MAX_SECONDS ({settings.observe_max_seconds:g}), "
            f"not {settings.observe_min_seconds:g}; example: OBSERVE_MIN_SECONDS=1"
        )

    _check_admin(settings)
    _check_mail(settings)
    _check_supabase(settings)


def _check_mail(settings: Settings) -> None:
    if settings.smtp_host is not None and settings.smtp_from is None:
        raise SettingsError("SMTP_FROM: must be set beside SMTP_HOST; example: SMTP_FROM=monitor@example.com")
    if settings.smtp_password is not None and settings.smtp_security == "none":
        raise SettingsError(
            "SMTP_SECURITY: must not be none where there is a password; example: SMTP_SECURITY=starttls"
        )


def _check_supabase(settings: Settings) -> None:
    people = ("SUPABASE_ADMINS", "SUPABASE_OPERATORS", "SUPABASE_VIEWERS")
    named = next((name for name in people if getattr(settings, name.lower())), None)
    if named is not None and not settings.has_supabase:
        example = "SUPABASE_URL=https://your-project.supabase.co"
        raise SettingsError(f"{named}: needs SUPABASE_URL and SUPABASE_ANON_KEY; example: {example}")


def _check_admin(settings: Settings) -> None:
    if settings.admin_password is None:
        return
    if settings.admin_email is None:
        raise SettingsError("ADMIN_EMAIL: must be set beside ADMIN_PASSWORD; example: ADMIN_EMAIL=ada@example.com")
    if len(settings.admin_password) < 12:
        raise SettingsError("ADMIN_PASSWORD: must have at least 12 characters; example: four unrelated words")


_cursor_url = http_url(CURSOR_API)
_github_url = http_url(GITHUB_API)
_public_url = http_url("https://monitor.example.com")
_collector_url = http_url("http://collector.example.com:4318")
