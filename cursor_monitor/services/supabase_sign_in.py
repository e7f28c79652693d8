"""Coming in with Supabase: it says who somebody is, this server says whether they may and as what."""

from __future__ import annotations

import base64
import hashlib
import logging
import re
import secrets
import time
from collections.abc import Callable

import httpx

from cursor_monitor.domain.access import PASSWORD_MOST, Actor, ActorKind, Guests, Identity, Role, parse_email
from cursor_monitor.domain.errors import AppError, Forbidden, Invalid, TooMany, Unauthorized, Unavailable
from cursor_monitor.services import audit
from cursor_monitor.services.auth import WRONG, Visitor, count_try
from cursor_monitor.services.guests import admit, may_come
from cursor_monitor.settings import Settings
from cursor_monitor.supabase.client import Facts, Grant, SupabaseAuth
from cursor_monitor.supabase.errors import SupabaseError
from cursor_monitor.supabase.tokens import TokenVerifier

log = logging.getLogger(__name__)

LINK_PATH = "/sign-in/link"
FACTS_SECONDS = 60.0
AWAY = "Supabase does not answer at this moment; try again in a minute."
STALE_LINK = "This link does not work here, or no longer. Ask for another one, and open it in this same browser."
_CODE = re.compile(r"[A-Za-z0-9._~-]{8,200}")


def build_supabase(settings: Settings, *, transport: httpx.BaseTransport | None = None) -> SupabaseSignIn | None:
    """The sign-in with Supabase; None where it is not configured."""
    if settings.supabase_url is None or settings.supabase_anon_key is None:
        return None
    guests = Guests(settings.supabase_admins, settings.supabase_operators, settings.supabase_viewers)
    client = SupabaseAuth(settings.supabase_url, settings.supabase_anon_key, transport=transport)
    return SupabaseSignIn(client, guests, settings.own_url, settings.supabase_jwt_secret)


class SupabaseSignIn:
    """By password, and by a link in a mail; what comes of it is a session of this server's own."""

    def __init__(self, client: SupabaseAuth, guests: Guests, own_url: str | None, secret: str | None = None) -> None:
        self._client = client
        self._guests = guests
        self._redirect_to = f"{own_url}{LINK_PATH}" if own_url else None
        self._verifier = TokenVerifier(client.issuer, client.keys, secret)
        self._facts: tuple[Facts, float] | None = None

    @property
    def sends_links(self) -> bool:
        """True where a link in a mail would lead back here: the configuration says where this is."""
        return self._redirect_to is not None

    def sign_in(self, email: str, password: str, visitor: Visitor) -> str:
        """The key of a new session for an address and a password that Supabase takes."""
        known = _address(email)
        count_try(known or email, visitor)
        if not known:
            raise Unauthorized(WRONG, code="wrong_credentials")
        return self._enter(lambda: self._client.by_password(known, password[:PASSWORD_MOST]), visitor, known, WRONG)

    def ask_link(self, email: str, verifier: str, visitor: Visitor) -> Callable[[], None]:
        """What sends a link, to do after the answer: so the answer tells nobody who may come in."""
        if self._redirect_to is None:
            raise Invalid("email", "no link can be sent: this server does not know its own address (PUBLIC_URL)")
        address, target = parse_email(email), self._redirect_to
        count_try(address, visitor)
        try:
            self._ask_facts()
        except SupabaseError as error:
            raise _for_people(error, WRONG) from None
        may, is_guest = may_come(address, self._guests)
        audit.record(_visitor(address if may else "unknown", visitor), "sign-in link", outcome=audit.BEGUN)

        def send() -> None:
            try:
                self._client.send_link(address, _challenge(verifier), target, may_create=is_guest)
            except SupabaseError as error:
                log.warning("Supabase sent no sign-in link", extra={"reason": error.message})

        return send if may else lambda: None

    def follow_link(self, code: str, verifier: str, visitor: Visitor) -> str:
        """The key of a new session for the code that a link brought to the browser that had asked for it."""
        count_try(None, visitor)
        if not _CODE.fullmatch(code) or not _CODE.fullmatch(verifier):
            raise Unauthorized(STALE_LINK, code="link_invalid")
        return self._enter(lambda: self._client.by_code(code, verifier), visitor, "unknown", STALE_LINK)

    def _enter(self, ask: Callable[[], Grant], visitor: Visitor, name: str, wrong: str) -> str:
        try:
            try:
                identity = self._identity(ask(), is_link=wrong is STALE_LINK)
            except SupabaseError as error:
                raise _for_people(error, wrong) from None
            name = identity.email
            return admit(identity, self._guests, visitor)
        except (Unauthorized, Forbidden) as error:
            actor = _visitor(name, visitor)
            audit.record(actor, "sign-in", outcome=audit.REFUSED, details={"why": error.code, "with": "supabase"})
            raise

    def _identity(self, grant: Grant, *, is_link: bool) -> Identity:
        """Who it is; the token that said so has done its work by then, and is given back."""
        try:
            claims = self._verifier.verify(grant.access_token)
            email = parse_email(claims.email)
            is_proven = (is_link and claims.opened_a_mail) or (grant.is_confirmed and self._confirms_addresses())
        except Invalid:
            raise SupabaseError("wrong", "Supabase's token names no usable e-mail address.") from None
        finally:
            self._client.end(grant)
        if grant.has_second_factor and claims.level != "aal2":
            message = (
                "This account asks for a second factor, which cannot be given here. Ask an administrator for a way in."
            )
            raise Forbidden(message, code="second_factor")
        return Identity(claims.subject, email, is_proven)

    def _confirms_addresses(self) -> bool:
        return self._ask_facts().confirms_addresses

    def _ask_facts(self) -> Facts:
        """What the project says of itself, asked at most once a minute."""
        if self._facts is None or time.monotonic() - self._facts[1] > FACTS_SECONDS:
            self._facts = (self._client.facts(), time.monotonic())
        return self._facts[0]


def new_verifier() -> str:
    """The secret that binds a link to the browser that asked for it."""
    return secrets.token_urlsafe(48)


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _for_people(error: SupabaseError, wrong: str) -> AppError:
    if error.kind == "refused":
        return Unauthorized(wrong, code="wrong_credentials")
    if error.kind == "busy":
        return TooMany(error.message + " Try again later.", retry_after=error.retry_after or 60)
    log.warning("a sign-in with Supabase failed", extra={"reason": error.message})
    if error.kind == "away":
        return Unavailable(AWAY, code="supabase_unavailable")
    return Unauthorized("Supabase's answer cannot be trusted; the log of this server says why.", code="token_invalid")


def _address(email: str) -> str:
    try:
        return parse_email(email)
    except Invalid:
        return ""


def _visitor(name: str, visitor: Visitor) -> Actor:
    return Actor(ActorKind.SESSION, name, Role.VIEWER, ip=visitor.ip)
