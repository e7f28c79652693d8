"""The administrator that the configuration names, made once."""

from __future__ import annotations

from cursor_monitor.services.auth import is_set_up, make_first_admin
from cursor_monitor.settings import Settings


def ensure_first_admin(settings: Settings) -> None:
    """Make the administrator of ADMIN_EMAIL and ADMIN_PASSWORD where there is nobody yet."""
    email, password = settings.admin_email, settings.admin_password
    if settings.requires_sign_in and email and password and not is_set_up():
        make_first_admin(email, email.partition("@")[0], password)
