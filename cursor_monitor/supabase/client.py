"""Supabase's sign-in: by password, by a link in a mail (PKCE), and the facts about the project."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from cursor_monitor.supabase.errors import SupabaseError
from cursor_monitor.supabase.wire import Wire


@dataclass(frozen=True, slots=True)
class Grant:
    """What Supabase gives for credentials that are right; the token is for this server alone."""

    access_token: str = field(repr=False)
    is_confirmed: bool  # the project holds the address for confirmed
    has_second_factor: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What the project says about its own sign-in."""

    confirms_addresses: bool  # nobody is let in before they opened a mail
    takes_strangers: bool
    has_email: bool


class SupabaseAuth:
    """The questions that a sign-in asks; each raises SupabaseError where it has no answer."""

    def __init__(self, url: str, anon_key: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self._wire = Wire(url, anon_key, transport=transport)

    @property
    def issuer(self) -> str:
        """Who its tokens have to be from."""
        return self._wire.issuer

    def by_password(self, email: str, password: str) -> Grant:
        """What Supabase gives for an address and a password."""
        return _grant(self._wire.ask("POST", "/token?grant_type=password", {"email": email, "password": password}))

    def by_code(self, code: str, verifier: str) -> Grant:
        """What Supabase gives for the code that a link brought, to whoever asked for the link."""
        body = {"auth_code": code, "code_verifier": verifier}
        return _grant(self._wire.ask("POST", "/token?grant_type=pkce", body))

    def send_link(self, email: str, challenge: str, redirect_to: str, *, may_create: bool) -> None:
        """Have Supabase send a link that leads to `redirect_to` with a code."""
        body = {
            "email": email,
            "create_user": may_create,
            "code_challenge": challenge,
            "code_challenge_method": "s256",
        }
        self._wire.ask("POST", f"/otp?redirect_to={quote(redirect_to, safe='')}", body)

    def end(self, grant: Grant) -> None:
        """Give the token back, as nothing here needs it any more; that it ends by itself soon is enough otherwise."""
        with contextlib.suppress(SupabaseError):
            self._wire.ask("POST", "/logout?scope=local", bearer=grant.access_token)

    def facts(self) -> Facts:
        """What the project says about its own sign-in."""
        found = _object(self._wire.ask("GET", "/settings"))
        external = found.get("external")
        return Facts(
            confirms_addresses=found.get("mailer_autoconfirm") is False,
            takes_strangers=found.get("disable_signup") is not True,
            has_email=isinstance(external, Mapping) and external.get("email") is True,
        )

    def keys(self) -> list[Any]:
        """The public keys with which the project signs."""
        found = _object(self._wire.ask("GET", "/.well-known/jwks.json")).get("keys")
        if not isinstance(found, list):
            raise SupabaseError("wrong", "Supabase's answer holds no list of keys.")
        return found

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()


def _object(found: Any) -> Mapping[str, Any]:
    if not isinstance(found, Mapping):
        raise SupabaseError("wrong", "Supabase's answer is not an object.")
    return found


def _grant(answer: Any) -> Grant:
    found = _object(answer)
    token, user = found.get("access_token"), found.get("user")
    if not isinstance(token, str) or not token or not isinstance(user, Mapping):
        raise SupabaseError("wrong", "Supabase's answer holds no token or no user.")
    factors = user.get("factors")
    verified = [f for f in factors or () if isinstance(f, Mapping) and f.get("status") == "verified"]
    return Grant(token, is_confirmed=bool(user.get("email_confirmed_at")), has_second_factor=bool(verified))
