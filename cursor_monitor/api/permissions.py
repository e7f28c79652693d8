"""Which role each address asks for; the one place that says so, and what docs/security.md is printed from."""

from __future__ import annotations

from dataclasses import dataclass

from cursor_monitor.domain.access import Role

API = "/api/cloud-agents"
READING = ("GET", "HEAD", "OPTIONS")
ANY: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A part of the addresses; `role` None lets everybody in."""

    path: str
    role: Role | None
    methods: tuple[str, ...] = ANY
    is_exact: bool = False

    def covers(self, method: str, path: str) -> bool:
        """True for a request that this rule is about."""
        if self.methods and method not in self.methods:
            return False
        return path == self.path or (not self.is_exact and path.startswith(self.path.rstrip("/") + "/"))


# The first that covers a request decides.
RULES: tuple[Rule, ...] = (
    Rule("/livez", None, READING, is_exact=True),
    Rule("/readyz", None, READING, is_exact=True),
    Rule("/ping", None, READING, is_exact=True),
    Rule("/_health", None, READING, is_exact=True),
    Rule("/sign-in", None, READING),
    Rule("/api/session", None, ("POST",)),
    Rule(f"{API}/health", None, READING, is_exact=True),
    Rule(f"{API}/webhook", None, ("POST",), is_exact=True),
    Rule("/assets", None, READING),
    Rule("/api/docs", None, READING, is_exact=True),
    Rule("/api/openapi.json", None, READING, is_exact=True),
    Rule("/metrics", Role.VIEWER, READING, is_exact=True),
    # What people manage for themselves; the services see to it that it is their own.
    Rule(f"{API}/whoami", Role.VIEWER),
    Rule(f"{API}/sessions", Role.VIEWER),
    Rule(f"{API}/password", Role.VIEWER),
    Rule(f"{API}/tokens", Role.VIEWER),
    Rule(f"{API}/views", Role.VIEWER),
    # Who may come in, what they did, and the keys that spend money.
    Rule(f"{API}/users", Role.ADMIN),
    Rule(f"{API}/audit", Role.ADMIN),
    Rule("/audit", Role.ADMIN),
    Rule(f"{API}/accounts", Role.VIEWER, READING),
    Rule(f"{API}/accounts", Role.ADMIN),
    Rule(f"{API}/notifications", Role.VIEWER, READING),
    Rule(f"{API}/notifications", Role.ADMIN),
    Rule(f"{API}/settings", Role.VIEWER, READING),
    Rule(f"{API}/settings", Role.ADMIN),
    # Reflex's own; nothing here uploads files or lists routes.
    Rule("/_upload", Role.ADMIN),
    Rule("/_all_routes", Role.ADMIN),
)
_PUBLIC_FILES = (".css", ".js", ".map", ".svg", ".png", ".ico", ".woff", ".woff2", ".webmanifest")


def role_for(method: str, path: str) -> Role | None:
    """The role that a request needs, None where anybody may come; what no rule names is read by viewers alone and
    changed by operators alone."""
    for rule in RULES:
        if rule.covers(method, path):
            return rule.role
    if method in READING:
        # Scripts, styles, fonts and pictures of the pages are the same for everybody and hold no data.
        return None if not path.startswith("/api") and path.endswith(_PUBLIC_FILES) else Role.VIEWER
    return Role.OPERATOR
