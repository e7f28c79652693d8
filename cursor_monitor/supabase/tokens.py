"""A project's tokens: signed with one of its keys, for people, of this project, not over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from cursor_monitor.supabase.errors import SupabaseError

AUDIENCE = "authenticated"
LEEWAY_SECONDS = 30
KEYS_SECONDS = 600.0
UNKNOWN_KEY_SECONDS = 30.0  # a made-up key id makes nobody ask more often than this
TOKEN_MOST = 16_000
# What a key of each kind may sign with; the token has no say in it.
_KINDS = {("EC", "P-256"): "ES256", ("RSA", None): "RS256"}
_MAILBOX = frozenset({"magiclink", "otp", "email/signup", "invite", "recovery"})


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says that was found to be good."""

    subject: str
    email: str
    methods: frozenset[str]
    level: str

    @property
    def opened_a_mail(self) -> bool:
        """True where the sign-in itself went through the mailbox."""
        return bool(self.methods & _MAILBOX)


class TokenVerifier:
    """Checks tokens; the keys are remembered for a while, and asked for again where one is not known."""

    def __init__(self, issuer: str, fetch_keys: Callable[[], list[Any]], secret: str | None = None) -> None:
        self._issuer = issuer
        self._fetch = fetch_keys
        self._secret = secret
        self._keys: Mapping[str, tuple[str, Any]] = {}
        self._fetched: float | None = None
        self._turn = threading.Lock()
        self._jwt = jwt.PyJWT(options={"enforce_minimum_key_length": True})

    def verify(self, token: str) -> Claims:
        """What the token says; SupabaseError where it cannot be trusted."""
        try:
            algorithm, key = self._key_for(token)
            said = self._jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=AUDIENCE,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", "sub"], "strict_aud": True},
            )
        except jwt.PyJWTError as error:
            raise SupabaseError("wrong", f"Supabase's token cannot be trusted ({type(error).__name__}).") from None
        return _claims(said)

    def _key_for(self, token: str) -> tuple[str, Any]:
        if len(token) > TOKEN_MOST:
            raise SupabaseError("wrong", "Supabase's token is too long.")
        header = jwt.get_unverified_header(token)
        if header.get("alg") == "HS256":
            if self._secret is None:
                message = (
                    "The project signs with its legacy secret: set SUPABASE_JWT_SECRET, or rotate to a signing key."
                )
                raise SupabaseError("wrong", message)
            return "HS256", self._secret
        found = self._known(str(header.get("kid") or ""))
        if found is None or header.get("alg") != found[0]:
            raise SupabaseError("wrong", "Supabase's token is signed with a key that the project does not name.")
        return found

    def _known(self, key_id: str) -> tuple[str, Any] | None:
        with self._turn:
            age = None if self._fetched is None else time.monotonic() - self._fetched
            is_due = age is None or age > (KEYS_SECONDS if key_id in self._keys else UNKNOWN_KEY_SECONDS)
            if is_due:
                self._keys = usable_keys(self._fetch())
                self._fetched = time.monotonic()
            return self._keys.get(key_id)


def usable_keys(found: list[Any]) -> dict[str, tuple[str, Any]]:
    """The keys for signatures of people's tokens by their ids, each with the one algorithm it is for."""
    keys: dict[str, tuple[str, Any]] = {}
    for item in found[:50]:
        if not isinstance(item, Mapping) or item.get("use", "sig") != "sig":
            continue
        algorithm = _KINDS.get((str(item.get("kty")), item.get("crv") if item.get("kty") == "EC" else None))
        key_id = item.get("kid")
        if algorithm is None or item.get("alg", algorithm) != algorithm or not isinstance(key_id, str) or not key_id:
            continue
        try:
            keys[key_id] = (algorithm, jwt.PyJWK(dict(item), algorithm).key)
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
    return keys


def _claims(said: Mapping[str, Any]) -> Claims:
    subject, email = said.get("sub"), said.get("email")
    if said.get("role") != AUDIENCE or said.get("is_anonymous"):
        raise SupabaseError("wrong", "Supabase's token is not one of a person.")
    if not isinstance(subject, str) or not 1 <= len(subject) <= 100 or not subject.isprintable():
        raise SupabaseError("wrong", "Supabase's token does not say who it is about.")
    if not isinstance(email, str) or not email:
        raise SupabaseError("wrong", "Supabase's token names no e-mail address.")
    amr = said.get("amr")
    methods = {str(item.get("method")) for item in amr if isinstance(item, Mapping)} if isinstance(amr, list) else set()
    return Claims(subject, email, frozenset(methods), str(said.get("aal", "aal1")))
