"""`cursor-monitor tokens`: API tokens for programs, for whoever has this machine."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from cursor_monitor.domain.errors import AppError, Invalid
from cursor_monitor.queries.access import list_tokens
from cursor_monitor.runtime import terminal
from cursor_monitor.runtime.people import COMMAND_LINE
from cursor_monitor.services import tokens
from cursor_monitor.services.caller import acting_as

if TYPE_CHECKING:
    from cursor_monitor.settings import Settings


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Make, list or revoke, in the name of the command line."""
    try:
        with terminal.services(settings), acting_as(COMMAND_LINE):
            return {"add": _add, "list": _list, "revoke": _revoke}[options.action](options)
    except Invalid as error:
        return terminal.fail(error.message, terminal.USAGE)
    except (AppError, OSError) as error:
        return terminal.fail(str(error))


def _add(options: argparse.Namespace) -> int:
    """The token is all that stdout gets, so that it can be put where it belongs without being seen."""
    made = tokens.create_token(options.name, options.role, options.days)
    terminal.show(asdict(made), made.token, options)
    return terminal.OK


def _list(options: argparse.Namespace) -> int:
    rows = list_tokens(COMMAND_LINE)
    lines = [
        (row.id, row.name, f"{row.prefix}…", row.role, row.created_by, row.used_at, row.revoked_at or row.expires_at)
        for row in rows
    ]
    text = terminal.table(lines, ("ID", "NAME", "TOKEN", "ROLE", "MADE BY", "LAST USED", "ENDS"))
    terminal.show([asdict(row) for row in rows], text if rows else "no token yet", options)
    return terminal.OK


def _revoke(options: argparse.Namespace) -> int:
    tokens.revoke_token(options.id)
    terminal.show({"id": options.id}, "the token opens nothing any more", options)
    return terminal.OK
