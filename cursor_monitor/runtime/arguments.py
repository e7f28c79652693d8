"""What each command takes; nothing here imports what only one of them needs, so that `--help` is quick."""

from __future__ import annotations

import argparse
from collections.abc import Callable

ROLES = ("viewer", "operator", "admin")


def _secrets(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", choices=("rotate",), help="what to do")


def _users(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    json_after = argparse.ArgumentParser(add_help=False)
    json_after.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    summaries = {
        "list": "everybody",
        "add": "let somebody sign in; the password is asked for, or the first line of stdin",
        "role": "give another role",
        "disable": "shut out, and sign out everywhere",
        "enable": "let in again",
        "password": "give a new password, asked for, or the first line of stdin",
    }
    made = {
        name: actions.add_parser(name, help=text, description=text, parents=[json_after])
        for name, text in summaries.items()
    }
    for name, action in made.items():
        if name != "list":
            action.add_argument("email", metavar="EMAIL", help="what they sign in with")
    made["add"].add_argument("--role", choices=ROLES, default="viewer", help="what they may do (viewer)")
    made["add"].add_argument("--name", default="", help="what people call them")
    made["role"].add_argument("role", choices=ROLES, metavar="ROLE", help=", ".join(ROLES))


ARGUMENTS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "secrets": _secrets,
    "users": _users,
}
