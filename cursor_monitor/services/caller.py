"""Who the present request or event is for; set at the edges, read wherever a change is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from cursor_monitor.domain.access import Actor, Role
from cursor_monitor.domain.errors import Forbidden, Unauthorized
from cursor_monitor.domain.fleet import EVERYBODY

_caller: ContextVar[Actor | None] = ContextVar("caller", default=None)


def set_caller(actor: Actor | None) -> None:
    """Say who acts from here on in this request, event or task."""
    _caller.set(actor)


@contextmanager
def acting_as(actor: Actor | None) -> Iterator[None]:
    """Say who acts within the block."""
    token = _caller.set(actor)
    try:
        yield
    finally:
        _caller.reset(token)


def current_caller() -> Actor:
    """Who acts; Unauthorized where nobody was let in."""
    actor = _caller.get()
    if actor is None:
        raise Unauthorized("Sign in first, or send an API token.")
    return actor


def caller_name() -> str:
    """What events call who acts."""
    return current_caller().name


def personal() -> str:
    """Whose pins and views are meant: a person's own, or everybody's where nobody signed in."""
    actor = _caller.get()
    return (actor.user_id if actor else None) or EVERYBODY


def require(role: Role) -> Actor:
    """Who acts; Forbidden where their role does not include that one."""
    actor = current_caller()
    if not actor.role.includes(role):
        raise forbidden(actor, role)
    return actor


def forbidden(actor: Actor, role: Role) -> Forbidden:
    """The refusal for somebody whose role is too low."""
    return Forbidden(f"This needs the role {role}; yours is {actor.role}.", role=str(actor.role), needed=str(role))
