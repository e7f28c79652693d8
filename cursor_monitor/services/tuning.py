"""The settings that services go by, as plain values; set once at the start of a process."""

from __future__ import annotations

from dataclasses import dataclass, field

from cursor_monitor.domain.orchestration import Options
from cursor_monitor.domain.room import SharedLimits
from cursor_monitor.outgoing.mail import MailServer
from cursor_monitor.settings import CURSOR_API


@dataclass(frozen=True, slots=True)
class Tuning:
    """Defaults for new orchestrations, and how often a run is looked at (seconds)."""

    options: Options = field(default_factory=Options)
    shared: SharedLimits = field(default_factory=SharedLimits)
    observe_min_seconds: float = 1.0
    observe_max_seconds: float = 30.0
    requests_per_minute: int = 300
    api_url: str = CURSOR_API
    environment_fingerprint: str = ""  # of CURSOR_API_KEY, so that no second account gets it
    webhook_secret: str | None = field(default=None, repr=False)
    code_host_web: str | None = None  # the host whose repositories are looked at, None where none are
    code_host_account: str = ""  # tells neither token nor address
    code_host_seconds: float = 15.0
    public_url: str | None = None  # what links in notifications begin with
    mail_server: MailServer | None = None
    notify_allow_private: bool = False
    has_supabase: bool = False  # people may sign in there, so that they need no password here


_tuning = Tuning()


def tune(tuning: Tuning) -> None:
    """Go by these from now on."""
    global _tuning
    _tuning = tuning


def current() -> Tuning:
    """What is gone by."""
    return _tuning
