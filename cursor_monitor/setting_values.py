"""Values of the configuration: each parsed, or refused with what is wrong and an example."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

_ADDRESS = re.compile(r"[a-z0-9.!#$%&'+/=?^_`{|}~-]{0,64}@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)+")
_PLACEHOLDER = re.compile(
    r"(?i)\Ayour[-_]|change[-_ ]?me|replace[-_ ]?(?:me|this|with)|placeholder"
    r"|\A[<\[{].*[>\]}]\Z|\A(?:x{4,}|\.{3,}|todo)\Z"
)
_OPEN_MODES = ("disable", "allow", "prefer")
_ENTRIES_MOST = 500
_LEGACY_SECRET_LEAST = 32
# Whoever likes has an address there, so the whole of it is nobody's company.
_PUBLIC_MAIL = re.compile(
    r"(aol|gmail|googlemail|hotmail|icloud|live|mail|me|outlook|protonmail|qq|yahoo|zoho)\.com"
    r"|gmx\.(de|net|com)|proton\.me|yandex\.(ru|com)|yahoo\.[a-z.]+"
)


def refuse_placeholder(value: str) -> str:
    """A secret; raises ValueError for what a document or a template has in the place of one."""
    if _PLACEHOLDER.search(value):
        raise ValueError("is a placeholder; put the real value there, or leave it empty")
    return value


def parse_email(value: str) -> str:
    """An e-mail address in small letters."""
    name, _, host = value.partition("@")
    if not name or "." not in host or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(f"must be an e-mail address, not {value[:40]!r}; example: ada@example.com")
    return value.lower()


def parse_host(value: str) -> str:
    """An IP address or a host name."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        if not all(part and part.replace("-", "").replace("_", "").isalnum() for part in value.split(".")):
            raise ValueError(f"must be an address or a host name, not {value[:40]!r}; example: 127.0.0.1") from None
    return value


def parse_token(value: str) -> str:
    """Check a token; a wrong one is not repeated."""
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must be printable ASCII without spaces; example: a fine-grained token, github_pat_...")
    return value


def parse_webhook_secret(value: str) -> str:
    """A secret that is long enough."""
    if len(value) < 32:
        raise ValueError("must have at least 32 characters; example: the output of openssl rand -hex 32")
    return value


def parse_postgres_url(value: str) -> str:
    """Check a connection string; no part of a wrong one is repeated, as it may hold the password."""
    example = "example: postgresql://user:password@db.example.com:5432/postgres"
    if "[YOUR-PASSWORD]" in value or "your-project" in value:
        raise ValueError(f"put the password of the database in place of [YOUR-PASSWORD]; {example}")
    if not value.startswith(("postgres://", "postgresql://")):
        raise ValueError(f"must be a Postgres URL that begins with postgresql://; {example}")
    try:
        parts = urlsplit(value)
        whole = not parts.fragment and (parts.port is None or parts.port > 0)
    except ValueError:
        whole = False
    if not whole:
        raise ValueError(f"cannot be read as a URL; write # / @ : in the password as %23 %2F %40 %3A; {example}")
    return _with_tls(value)


def _with_tls(value: str) -> str:
    """The same, never in the clear beyond one's own network, where libpq by itself would only prefer TLS."""
    query = urlsplit(value).query
    named = {name: words[-1] for name, words in parse_qs(query).items()}
    hosts = (named.get("host") or urlsplit(value).hostname or "").split(",")
    if all(not host or host.startswith(("/", "@")) or _is_private(host) for host in hosts):
        return value
    mode = named.get("sslmode")
    if mode in _OPEN_MODES:
        raise ValueError(
            f"must not have sslmode={mode}, which lets the password and all data pass in the clear; "
            "example: postgresql://user:password@db.example.com:5432/postgres?sslmode=require"
        )
    return value if mode else f"{value}{'&' if query else '?'}sslmode=require"


def http_url(example: str) -> Callable[[str], str]:
    """What parses an address of the web, and shows this example where it is none."""

    def parse(value: str) -> str:
        try:
            parts = urlsplit(value)
            whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            whole = False
        if not whole:
            raise ValueError(f"must be an http(s) URL, not {value[:60]!r}; example: {example}")
        return value.rstrip("/")

    return parse


def parse_people(value: str) -> tuple[str, ...]:
    """Addresses, and `@domain` for all of a domain; raises ValueError naming the one that is none."""
    entries = tuple(part.lower() for part in re.split(r"[,\s]+", value.strip()) if part)
    if len(entries) > _ENTRIES_MOST:
        raise ValueError(f"must have at most {_ENTRIES_MOST} entries; example: @example.com")
    for entry in entries:
        if not _ADDRESS.fullmatch(entry):
            raise ValueError(
                f"must be addresses or @domains, not {entry[:60]!r}; example: ada@example.com, @example.com"
            )
        if entry.startswith("@") and _PUBLIC_MAIL.fullmatch(entry[1:]):
            raise ValueError(f"must not be {entry}, where everybody can have an address; example: ada{entry}")
    return tuple(dict.fromkeys(entries))


def parse_anon_key(value: str) -> str:
    """The key that a project gives to everybody; its secret one is refused, and not repeated."""
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must be printable ASCII without spaces; example: the anon or publishable key of the project")
    refuse_placeholder(value)
    if value.startswith("sb_secret_") or _role_in(value) == "service_role":
        raise ValueError("is a secret key of the project; put its anon or publishable key here")
    return value


def parse_jwt_secret(value: str) -> str:
    """The legacy secret of a project; a wrong one is not repeated."""
    if len(value) < _LEGACY_SECRET_LEAST or len(set(value)) < 10:
        raise ValueError(f"must be the project's JWT secret, at least {_LEGACY_SECRET_LEAST} characters")
    return value


def parse_supabase_url(value: str) -> str:
    """The address of Supabase; without TLS only where it cannot leave one's own network."""
    url = http_url("https://your-project.supabase.co")(value)
    parts = urlsplit(url)
    if parts.scheme != "https" and not _is_private(parts.hostname or ""):
        raise ValueError(f"must begin with https://, as passwords are sent there; example: https://{parts.netloc}")
    return url


def _is_private(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".internal", ".local", ".lan", ".svc"))
    return address.is_private or address.is_loopback


def _role_in(token: str) -> str | None:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        body = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return None
    return str(body.get("role")) if isinstance(body, dict) else None
