"""Opening and closing what a process needs, after any fork."""

from __future__ import annotations

from cursor_monitor.domain.orchestration import Options
from cursor_monitor.domain.room import SharedLimits
from cursor_monitor.services.governor import account_of
from cursor_monitor.services.tuning import Tuning, tune
from cursor_monitor.settings import Settings, SettingsError
from cursor_monitor.store.database import close_database, open_database


def open_all(settings: Settings, *, pool_size: int = 10) -> None:
    """Point this process at its database and settings; raises SettingsError without a database."""
    if settings.database_url is None:
        raise SettingsError(
            "DATABASE_URL: is not set; use `make run` for an embedded database, or give one, "
            "example: postgresql://user:password@db.example.com:5432/postgres"
        )
    open_database(settings.database_url, pool_size=pool_size)
    tune(tuning_from(settings))


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
        webhook_secret=settings.cursor_webhook_secret,
        requests_per_minute=settings.cursor_rate_per_minute,
        code_host_web=settings.code_host_web if token else None,
        code_host_account=account_of(settings.github_api_url, token) if token else "",
        code_host_seconds=settings.github_poll_seconds,
    )
