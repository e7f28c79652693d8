"""What each command takes; nothing here imports what only one of them needs, so that `--help` is quick."""

from __future__ import annotations

import argparse
from collections.abc import Callable

ROLES = ("viewer", "operator", "admin")


def _secrets(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", choices=("rotate",), help="what to do")


def _users(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    json_after = _json_after()
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
    made["add"].add_argument("--supabase", action="store_true", help="without a password: they sign in with Supabase")
    made["role"].add_argument("role", choices=ROLES, metavar="ROLE", help=", ".join(ROLES))


def _tokens(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    json_after = _json_after()
    add = actions.add_parser("add", help="make one and print it, this once", parents=[json_after])
    add.add_argument("name", metavar="NAME", help="what it is for")
    add.add_argument("--role", choices=ROLES, default="viewer", help="what it may do (viewer)")
    add.add_argument("--days", type=int, default=90, help="how long it works, 1 to 365 (90)")
    actions.add_parser("list", help="all of them, without the tokens", parents=[json_after])
    revoke = actions.add_parser("revoke", help="end one at once", parents=[json_after])
    revoke.add_argument("id", metavar="ID", help="as list shows it")


def _json_after() -> argparse.ArgumentParser:
    """`--json` also behind the action."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return shared


def _launch(command: argparse.ArgumentParser) -> None:
    command.add_argument("prompt", metavar="PROMPT", help="what is to be done; - reads it from stdin")
    command.add_argument("--repository", required=True, help="owner/repo, or its address")
    for name, text in (
        ("ref", "branch or commit to start from"),
        ("model", "one of Cursor's models"),
        ("account", "whose key pays"),
        ("mode", "SINGLE_AGENT, PIPELINE, BATCH or AUTO"),
        ("name", "a line for people"),
        ("tasks", "a file with the plan, as the API takes it"),
    ):
        command.add_argument(f"--{name}", help=text)
    command.add_argument(
        "--option", action="append", metavar="NAME=VALUE", help="a limit, as in max_agents=5; repeatable"
    )
    command.add_argument("--key", help="an idempotency key: the same key launches once")
    command.add_argument("--dry-run", action="store_true", help="show the plan, launch nothing")
    command.add_argument("--watch", action="store_true", help="stay until it ends")
    _timeout(command)


def _watch(command: argparse.ArgumentParser) -> None:
    command.add_argument("id", metavar="ID", help="of an orchestration")
    _timeout(command)


def _timeout(command: argparse.ArgumentParser) -> None:
    command.add_argument("--timeout", type=float, metavar="SECONDS", help="stop looking on after that; it goes on")


def _export(command: argparse.ArgumentParser) -> None:
    command.add_argument("id", metavar="ID", help="of an orchestration or an agent, or `agents` for the whole list")
    command.add_argument("--format", help="json or md, json or text, csv")
    command.add_argument("--output", "-o", metavar="FILE", help="where to; stdout otherwise")


def _migrate(command: argparse.ArgumentParser) -> None:
    command.add_argument("--dry-run", action="store_true", help="show what would change, change nothing")


def _backup(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", metavar="FILE", help="where to")
    command.add_argument(
        "--encrypt", action="store_true", help="with a passphrase, asked for, or the first line of stdin"
    )
    command.add_argument("--force", action="store_true", help="replace the file where there is one")
    _passphrase(command)
    command.set_defaults(command="backup")


def _restore(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", metavar="FILE", help="a backup; the database must be empty")
    command.add_argument("--verify", action="store_true", help="only look whether the file is whole")
    _passphrase(command)
    command.set_defaults(command="restore")


def _passphrase(command: argparse.ArgumentParser) -> None:
    command.add_argument("--passphrase-file", metavar="FILE", help="the passphrase, for where nobody types")


ARGUMENTS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "backup": _backup,
    "export": _export,
    "launch": _launch,
    "migrate": _migrate,
    "restore": _restore,
    "secrets": _secrets,
    "tokens": _tokens,
    "users": _users,
    "watch": _watch,
}
