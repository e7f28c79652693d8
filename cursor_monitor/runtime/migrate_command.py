"""`cursor-monitor migrate`: the plan first, then the schema."""

from __future__ import annotations

import argparse
from dataclasses import asdict

import psycopg

from cursor_monitor.runtime import terminal
from cursor_monitor.settings import Settings
from cursor_monitor.store import schema
from cursor_monitor.store.schema_plan import Plan, plan


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Show what would change, and unless it is a dry run, change it: all of it, or nothing."""
    try:
        with terminal.database(settings) as url:
            found = plan(url)
            if not options.json:
                terminal.write(_text(found))
            version = found.version if options.dry_run else schema.migrate(url)
    except (psycopg.Error, RuntimeError, OSError) as error:
        return terminal.fail(str(error).strip())
    data = {"schema_version": version, "plan": asdict(found)}
    terminal.show(data, "nothing was changed" if options.dry_run else f"schema version {version}", options)
    return terminal.OK


def _text(found: Plan) -> str:
    if found.version == found.target:
        return "the schema is up to date"
    head = f"from {'no schema' if found.version is None else f'version {found.version}'} to version {found.target}:"
    kinds = (("+", found.added), ("~", found.changed), ("-", found.removed))
    return "\n".join([head, *(f"  {sign} {name}" for sign, names in kinds for name in names)])
