"""Supabase's sign-in on a port of this machine: passwords, links with PKCE, signed tokens, and what can go wrong."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

ANON_KEY = "sb_publishable_for_tests"
LEGACY_SECRET = "x9Kq-legacy-secret-of-the-project-0123456789"
Json = dict[str, Any]


@dataclass
class Account:
    """Somebody in the project."""

    email: str
    password: str | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    is_confirmed: bool = True
    has_second_factor: bool = False


@dataclass
class Link:
    """A mail that was sent: what it leads to, once it is clicked, and whose code that brings."""

    email: str
    token: str
    redirect_to: str
    challenge: str


@cache
def signing_key(kind: str) -> Any:
    """A key pair, made once."""
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ES256" else rsa.generate_private_key(65537, 2048)


def public_keys(*kinds: str) -> list[Json]:
    """The public halves, as the project shows them."""
    algorithms = jwt.get_algorithm_by_name
    shown = [{**algorithms(k).to_jwk(signing_key(k).public_key(), as_dict=True), "kid": f"key-{k}"} for k in kinds]
    return [{**item, "use": "sig"} for item in shown]


class FakeGoTrue:
    """A project's sign-in; a test changes its fields between requests."""

    def __init__(self) -> None:
        self.url = ""
        self.reset()

    def reset(self) -> None:
        """Forget everybody and everything."""
        self.accounts: dict[str, Account] = {}
        self.links: list[Link] = []
        self.codes: dict[str, tuple[str, str, str]] = {}
        self.ended: list[str] = []
        self.asked: list[str] = []
        self.given: list[str] = []
        self.autoconfirm = False
        self.keys = public_keys("ES256", "RS256")
        self.algorithm = "ES256"
        self.claims: Json = {}
        self.token: str | None = None  # instead of a good one
        self.fault: tuple[int, bytes] | None = None

    def add(self, email: str, password: str | None = None, **facts: Any) -> Account:
        """Put somebody into the project."""
        self.accounts[email] = Account(email, password, **facts)
        return self.accounts[email]

    def click(self, link: Link) -> str:
        """Open the link of a mail; where it leads."""
        code = str(uuid.uuid4())
        self.codes[code] = (link.email, link.challenge, "magiclink")
        return f"{link.redirect_to}?{urlencode({'code': code})}"

    def sign(self, account: Account, method: str, **changes: Any) -> str:
        """A token for somebody, as good or as bad as the claims make it."""
        now = int(time.time())
        claims = {
            "iss": f"{self.url}/auth/v1",
            "aud": "authenticated",
            "role": "authenticated",
            "sub": account.id,
            "email": account.email,
            "iat": now,
            "exp": now + 3600,
            "aal": "aal1",
            "amr": [{"method": method, "timestamp": now}],
            "is_anonymous": False,
            **self.claims,
            **changes,
        }
        key = LEGACY_SECRET if self.algorithm == "HS256" else signing_key(self.algorithm)
        headers = {} if self.algorithm == "HS256" else {"kid": f"key-{self.algorithm}"}
        return jwt.encode({k: v for k, v in claims.items() if v is not None}, key, self.algorithm, headers)

    def answer(self, method: str, path: str, query: dict[str, str], body: Json, key: str) -> tuple[int, bytes]:
        """What the project says to one request."""
        self.asked.append(f"{method} {path}")
        if key != ANON_KEY:
            return 401, b'{"message":"No API key found in request"}'
        if self.fault is not None:
            return self.fault
        found = self._route(method, path.removeprefix("/auth/v1"), query, body)
        return found[0], json.dumps(found[1]).encode()

    def _route(self, method: str, path: str, query: dict[str, str], body: Json) -> tuple[int, Json]:
        if (method, path) == ("GET", "/settings"):
            return 200, {
                "external": {"email": True},
                "disable_signup": False,
                "mailer_autoconfirm": self.autoconfirm,
            }
        if (method, path) == ("GET", "/.well-known/jwks.json"):
            return 200, {"keys": self.keys}
        if (method, path) == ("POST", "/otp"):
            return self._send(body, query)
        if (method, path) == ("POST", "/logout"):
            self.ended.append(query.get("scope", "global"))
            return 200, {}
        if (method, path) == ("POST", "/token"):
            return self._by_code(body) if query.get("grant_type") == "pkce" else self._by_password(body)
        return 404, {"error_code": "not_found"}

    def _by_password(self, body: Json) -> tuple[int, Json]:
        account = self.accounts.get(body["email"])
        if account is None or account.password is None or account.password != body["password"]:
            return 400, {"code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials"}
        if not account.is_confirmed and not self.autoconfirm:
            return 400, {"code": 400, "error_code": "email_not_confirmed", "msg": "Email not confirmed"}
        return 200, self._grant(account, "password")

    def _by_code(self, body: Json) -> tuple[int, Json]:
        email, challenge, method = self.codes.pop(body["auth_code"], ("", "", ""))
        hashed = hashlib.sha256(body["code_verifier"].encode()).digest()
        if not email or base64.urlsafe_b64encode(hashed).rstrip(b"=").decode() != challenge:
            return 403, {"code": 403, "error_code": "bad_code_verifier", "msg": "code challenge does not match"}
        account = self.accounts.get(email) or self.add(email)
        account.is_confirmed = True
        return 200, self._grant(account, method)

    def _send(self, body: Json, query: dict[str, str]) -> tuple[int, Json]:
        if body["email"] not in self.accounts and not body["create_user"]:
            return 422, {"code": 422, "error_code": "otp_disabled", "msg": "Signups not allowed for otp"}
        assert body["code_challenge_method"] == "s256"
        token = secrets.token_urlsafe(24)
        self.links.append(Link(body["email"], token, query["redirect_to"], body["code_challenge"]))
        return 200, {}

    def _grant(self, account: Account, method: str) -> Json:
        token = self.token or self.sign(account, method)
        self.given.append(token)
        confirmed = "2026-01-01T00:00:00Z" if account.is_confirmed or self.autoconfirm else None
        factors = [{"id": "f", "status": "verified"}] if account.has_second_factor else []
        user = {"id": account.id, "email": account.email, "email_confirmed_at": confirmed, "factors": factors}
        return {"access_token": token, "token_type": "bearer", "expires_in": 3600, "refresh_token": "r", "user": user}


@contextmanager
def serving_gotrue() -> Iterator[FakeGoTrue]:
    """A project's sign-in that listens."""
    fake = FakeGoTrue()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(fake))
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _handler_of(fake: FakeGoTrue) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            sent = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, body = fake.answer(
                self.command, parts.path, query, json.loads(sent or b"{}"), self.headers.get("apikey", "")
            )
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = _serve  # noqa: N815 - the names that http.server calls
        do_POST = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
