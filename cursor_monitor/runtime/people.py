"""`cursor-monitor users`: who may sign in, for whoever has this machine; the way back in when a password is lost."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from cursor_monitor.domain.access import Actor, ActorKind, Role
from cursor_monitor.domain.errors import AppError, Invalid
from cursor_monitor.queries.access import list_users
from cursor_monitor.runtime import terminal
from cursor_monitor.services import users
from cursor_monitor.services.caller import acting_as

if TYPE_CHECKING:
    from cursor_monitor.settings import Settings

COMMAND_LINE = Actor(ActorKind.LOCAL, "command line", Role.ADMIN)


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Do what was asked, in the name of the command line."""
    try:
        # Asked for before the database is opened: a person takes their time.
        is_asked = options.action == "password" or (options.action == "add" and not options.supabase)
        password = terminal.read_secret("Password", twice=True) if is_asked else ""
        with terminal.services(settings), acting_as(COMMAND_LINE):
            return _act(options, password)
    except Invalid as error:
        return terminal.fail(error.message, terminal.USAGE)
    except ValueError as error:
        return terminal.fail(str(error), terminal.USAGE)
    except (AppError, OSError) as error:
        return terminal.fail(str(error))


def _act(options: argparse.Namespace, password: str) -> int:
    if options.action == "list":
        return _list(options)
    email = options.email
    if options.action == "add":
        made = users.add_user(email, options.name, options.role, password)
        return _said({"id": made, "email": email}, f"{email} may sign in, as {options.role}", options)
    found = users.find_id(email)
    if options.action == "role":
        users.change_user(found, role=options.role)
        return _said({"id": found, "role": options.role}, f"{email} now has the role {options.role}", options)
    if options.action == "password":
        users.reset_password(found, password)
        return _said({"id": found}, f"{email} has the new password, and is signed out everywhere", options)
    is_disabled = options.action == "disable"
    users.change_user(found, is_disabled=is_disabled)
    said = "is shut out, and signed out everywhere" if is_disabled else "may sign in again"
    return _said({"id": found, "is_disabled": is_disabled}, f"{email} {said}", options)


def _list(options: argparse.Namespace) -> int:
    rows = list_users()
    lines = [
        (user.email, user.name, user.role, "shut out" if user.is_disabled else user.provider, user.signed_in_at)
        for user in rows
    ]
    text = terminal.table(lines, ("E-MAIL", "NAME", "ROLE", "SIGNS IN WITH", "LAST SIGNED IN"))
    terminal.show([asdict(row) for row in rows], text if rows else "nobody yet", options)
    return terminal.OK


def _said(data: dict[str, object], text: str, options: argparse.Namespace) -> int:
    terminal.show(data, text, options)
    return terminal.OK
