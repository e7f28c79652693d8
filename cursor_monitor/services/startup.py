"""Opening and closing what a process needs, after any fork."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from cursor_monitor.domain.orchestration import Options
from cursor_monitor.domain.room import SharedLimits
from cursor_monitor.outgoing.mail import MailServer
from cursor_monitor.secrets import redaction
from cursor_monitor.secrets.cipher import SecretError
from cursor_monitor.secrets.redaction import fingerprint
from cursor_monitor.secrets.vault import open_vault
from cursor_monitor.services.governor import account_of
from cursor_monitor.services.tuning import Tuning, tune
from cursor_monitor.settings import VERSION, Settings, SettingsError
from cursor_monitor.store.bell import bell
from cursor_monitor.store.database import close_database, open_database
from cursor_monitor.tracing import start_tracing


def open_all(settings: Settings, *, pool_size: int = 10) -> None:
    """Point this process at its database and settings; raises SettingsError without a database."""
    if settings.database_url is None:
        raise SettingsError(
            "DATABASE_URL: is not set; use `make run` for an embedded database, or give one, "
            "example: postgresql://user:password@db.example.com:5432/postgres"
        )
    _open_secrets(settings)
    open_database(settings.database_url, pool_size=pool_size)
    bell.open(settings.redis_url)
    tune(tuning_from(settings))


def _open_secrets(settings: Settings) -> None:
    secrets = (settings.cursor_api_key, settings.cursor_webhook_secret, settings.redis_password)
    redaction.register(
        *secrets,
        settings.github_token,
        settings.smtp_password,
        settings.supabase_service_role_key,
        settings.supabase_jwt_secret,
        settings.admin_password,
        settings.client_token,
        urlsplit(settings.database_url or "").password,
    )
    try:
        open_vault(settings.secret_keys, settings.data_dir)
    except SecretError as error:
        raise SettingsError(f"CURSOR_MONITOR_SECRET_KEY: is not set, and {error}") from None


def begin_tracing(settings: Settings, part: str) -> Any:
    """Send traces of this part of the product where a collector is named; returns the provider of tracers, or None."""
    if settings.otlp_endpoint is None:
        return None
    return start_tracing(settings.otlp_endpoint, part, VERSION)


def close_all() -> None:
    """Give everything back."""
    close_database()


def tuning_from(settings: Settings) -> Tuning:
    """What services go by under these settings."""
    token = settings.code_host_token
    return Tuning(
        options=Options(
            max_parallel_agents=settings.max_parallel_agents,
            max_iterations=settings.max_iterations,
            quality_threshold=settings.quality_threshold,
            timeout_hours=settings.agent_timeout_hours,
        ),
        shared=SharedLimits(
            account_agents=settings.max_parallel_agents_per_account or None,
            repository_agents=settings.max_parallel_agents_per_repository or None,
            day_agents=settings.max_agents_per_day or None,
            day_followups=settings.max_followups_per_day or None,
            day_cents=settings.max_cents_per_day or None,
        ),
        observe_min_seconds=settings.observe_min_seconds,
        observe_max_seconds=settings.observe_max_seconds,
        api_url=settings.cursor_api_url,
        environment_fingerprint=fingerprint(settings.cursor_api_key) if settings.cursor_api_key else "",
        webhook_secret=settings.cursor_webhook_secret,
        requests_per_minute=settings.cursor_rate_per_minute,
        code_host_web=settings.code_host_web if token else None,
        code_host_account=account_of(settings.github_api_url, token) if token else "",
        code_host_seconds=settings.github_poll_seconds,
        public_url=settings.public_url,
        mail_server=_mail_server(settings),
        notify_allow_private=settings.notify_allow_private,
        has_supabase=settings.has_supabase,
    )


def _mail_server(settings: Settings) -> MailServer | None:
    if settings.smtp_host is None or settings.smtp_from is None:
        return None
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        sender=settings.smtp_from,
        user=settings.smtp_user,
        password=settings.smtp_password,
    )
