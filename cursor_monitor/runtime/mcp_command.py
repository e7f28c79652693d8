"""`cursor-monitor mcp`: the control room for agents, by the Model Context Protocol on stdin and stdout."""

from __future__ import annotations

import argparse

from cursor_monitor.runtime import terminal
from cursor_monitor.runtime.mcp_tools import build_server
from cursor_monitor.runtime.remote import RemoteError, connect
from cursor_monitor.settings import Settings


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Serve until stdin ends; a server that does not answer or a token that is refused is said at once."""
    with connect(settings) as remote:
        try:
            remote.get("/whoami")
        except RemoteError as error:
            return terminal.fail(str(error))
        build_server(remote).run("stdio")
    return terminal.OK
