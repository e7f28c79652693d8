"""A Reflex plugin: the pages talk to whatever address they were loaded from.

Reflex compiles the port of the API into the pages and replaces the host name alone, so that a page built for port
3000 would not work on any other, behind a mapped port or a proxy.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reflex.plugins import Plugin

if TYPE_CHECKING:
    from reflex_base.plugins.base import PreCompileContext
    from typing_extensions import Unpack

STATE_JS = "utils/state.js"
HOST_LINE = "endpoint.hostname = frontend_hostname;"
PORT_LINE = "endpoint.port = window.location.port;"
HTTPS_PORT_LINE = re.compile(r'^\s*endpoint\.port = "";.*\n', re.MULTILINE)


class SameOriginPlugin(Plugin):
    """Makes the browser's websocket follow the host, the port and the scheme of the page."""

    def pre_compile(self, **context: Unpack[PreCompileContext]) -> None:
        """Register the change of Reflex's client."""
        context["add_modify_task"](STATE_JS, follow_the_page)


def follow_the_page(source: str) -> str:
    """Change Reflex's client; RuntimeError where a new Reflex no longer has the lines to change."""
    if PORT_LINE in source:
        return source
    if source.count(HOST_LINE) != 1 or len(HTTPS_PORT_LINE.findall(source)) != 1:
        raise RuntimeError(
            f"{STATE_JS} of this version of Reflex has changed; see cursor_monitor/runtime/same_origin.py"
        )
    return HTTPS_PORT_LINE.sub("", source).replace(HOST_LINE, f"{HOST_LINE}\n    {PORT_LINE}")
