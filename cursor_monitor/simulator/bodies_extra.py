"""The rarer parts of a request: MCP servers and custom subagents, both closed objects."""

from __future__ import annotations

from typing import Any

from cursor_monitor.simulator.catalog import check_model_shape
from cursor_monitor.simulator.errors import invalid
from cursor_monitor.simulator.validation import choice, listing, mapping, strings, text, unique, web_url

Json = dict[str, Any]
_BUILT_IN = frozenset({"explore", "shell", "debug", "computerUse", "cursorGuide"})


def check_mcp_servers(value: object) -> None:
    """At most 50 stdio or remote servers with unique names."""
    names = [_mcp_server(item, f"mcpServers[{n}]") for n, item in enumerate(listing(value, "mcpServers", 50))]
    unique(names, "mcpServers")


def check_subagents(value: object) -> list[Json]:
    """At most 20 subagents with unique names that are not built in."""
    items = listing(value, "customSubagents", 20)
    for position, item in enumerate(items):
        _subagent(item, f"customSubagents[{position}]")
    unique([item["name"] for item in items], "customSubagents")
    return items


def _mcp_server(value: object, at: str) -> str:
    server = mapping(value, at)
    if ("command" in server) == ("url" in server):
        raise invalid(f"{at}: Provide exactly one of command or url")
    if "command" in server:
        _stdio(server, at)
    else:
        _remote(server, at)
    return text(server.get("name"), f"{at}.name")


def _stdio(server: Json, at: str) -> None:
    mapping(server, at, ("name", "type", "command", "args", "env"))
    text(server["command"], f"{at}.command")
    choice(server.get("type", "stdio"), f"{at}.type", ("stdio",))
    for item in listing(server.get("args", []), f"{at}.args", 1000):
        text(item, f"{at}.args", least=0)
    strings(server.get("env", {}), f"{at}.env")


def _remote(server: Json, at: str) -> None:
    mapping(server, at, ("name", "type", "url", "headers", "auth"))
    web_url(server["url"], f"{at}.url", userinfo=False)
    choice(server.get("type", "http"), f"{at}.type", ("http", "sse"))
    strings(server.get("headers", {}), f"{at}.headers")
    if "auth" in server:
        auth = mapping(server["auth"], f"{at}.auth", ("CLIENT_ID", "CLIENT_SECRET", "scopes"))
        text(auth.get("CLIENT_ID"), f"{at}.auth.CLIENT_ID")
        text(auth.get("CLIENT_SECRET", ""), f"{at}.auth.CLIENT_SECRET", least=0)
        for scope in listing(auth.get("scopes", []), f"{at}.auth.scopes", 1000):
            text(scope, f"{at}.auth.scopes")


def _subagent(value: object, at: str) -> None:
    item = mapping(value, at, ("name", "description", "prompt", "model"))
    if text(item.get("name"), f"{at}.name", 100) in _BUILT_IN:
        raise invalid(f"{at}.name: Collides with a built-in subagent")
    text(item.get("description"), f"{at}.description", 1000)
    text(item.get("prompt"), f"{at}.prompt", 8192)
    model = item.get("model", "inherit")
    if not isinstance(model, str):
        check_model_shape(model, f"{at}.model")
    else:
        text(model, f"{at}.model")
