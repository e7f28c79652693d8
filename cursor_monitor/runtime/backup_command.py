"""`cursor-monitor backup` and `cursor-monitor restore`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import psycopg

from cursor_monitor.runtime import backup, terminal
from cursor_monitor.settings import Settings
from cursor_monitor.store.backup import BackupError


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Make a backup, look whether one is whole, or restore one; nothing is ever half done."""
    path = Path(options.file)
    try:
        if options.command == "restore" and options.verify:
            return _told(backup.verify(path, lambda: _passphrase(options)), f"{path} is whole", options)
        if options.command == "restore":
            with terminal.database(settings) as url:
                found = backup.restore(url, path, lambda: _passphrase(options))
            return _told(found, f"{path} is restored", options)
        if path.exists() and not options.force:
            return terminal.fail(f"{path} is there already; choose another name, or --force", terminal.USAGE)
        secret = _passphrase(options, twice=True) if options.encrypt or options.passphrase_file else None
        with terminal.database(settings) as url:
            found = backup.make(url, path, secret)
        return _told(found, f"{path}: {path.stat().st_size:,} bytes", options)
    except ValueError as error:
        return terminal.fail(str(error), terminal.USAGE)
    except (KeyError, TypeError):
        return terminal.fail(f"{path} is damaged, or was not made by this program; nothing of it was restored")
    except (BackupError, RuntimeError) as error:
        return terminal.fail(str(error))
    except psycopg.Error as error:
        return terminal.fail(str(error).strip().partition("\n")[0])
    except OSError as error:
        return terminal.fail(f"{error.filename or path}: {error.strerror}")


def _passphrase(options: argparse.Namespace, *, twice: bool = False) -> str:
    if options.passphrase_file:
        found = Path(options.passphrase_file).read_text(encoding="utf-8").strip()
    else:
        found = terminal.read_secret("Passphrase of the backup", twice=twice)
    if len(found) < 12:
        raise ValueError("the passphrase: must have at least 12 characters; a few words make a good one")
    return found


def _told(manifest: dict[str, Any], text: str, options: argparse.Namespace) -> int:
    rows = sum(found["rows"] for found in manifest["tables"].values())
    counted = f"{text}, {rows:,} rows in {len(manifest['tables'])} tables, of {manifest['made_at'][:19]} UTC"
    terminal.show(manifest, counted, options)
    return terminal.OK
