"""Accounts at Cursor: what one is called, what can be wrong with it, and what to do about that."""

from __future__ import annotations

from enum import StrEnum

DEFAULT_ACCOUNT = "default"
"""The id of the account whose key is the environment's."""

ROUTINE = "cursor-monitor"
"""Who is recorded as having resumed work once an account can be used again."""


class AccountStatus(StrEnum):
    """Whether an account is used: as a person wants, and as Cursor lets it."""

    ACTIVE = "active"
    PAUSED = "paused"
    REFUSED = "refused"


class Trouble(StrEnum):
    """Why an account cannot be used."""

    KEY = "key"
    PLAN = "plan"
    MONEY = "money"
    UNREADABLE = "secret"


_TROUBLE_BY_CODE = {
    "unauthorized": Trouble.KEY,
    "api_key_not_found": Trouble.KEY,
    "key_not_supported": Trouble.KEY,
    "plan_required": Trouble.PLAN,
    "usage_limit_exceeded": Trouble.MONEY,
}
STOPS_EVERYTHING = frozenset({Trouble.KEY, Trouble.PLAN, Trouble.UNREADABLE})
"""With these nothing can be asked of Cursor; without money what runs can still be watched."""

HELD_CODES = (*_TROUBLE_BY_CODE, "account_paused", "account_secret")
"""The codes under which work waits for its account, and goes on by itself once that is mended."""


def trouble_of(code: str) -> Trouble | None:
    """What an answer's code says of the account as a whole; None where it is about one request only."""
    return _TROUBLE_BY_CODE.get(code)


def explain(trouble: str, name: str, *, is_environment: bool, said: str = "") -> str:
    """What is wrong with an account and what to do, for a person."""
    replace = (
        "put a valid one into CURSOR_API_KEY and start again" if is_environment else "replace the key under Settings"
    )
    match trouble:
        case Trouble.KEY:
            what = f"Cursor does not accept the key of account {name}: it is wrong, revoked or expired; {replace}"
        case Trouble.PLAN:
            what = (
                f"The plan of account {name} does not include Cloud Agents; "
                "change the plan at cursor.com/dashboard, or use another account"
            )
        case Trouble.MONEY:
            what = (
                f"Account {name} has reached its spending limit at Cursor; "
                "raise the limit at cursor.com/dashboard, or wait for the next billing period"
            )
        case _:
            what = f"The key of account {name} cannot be decrypted here: {said or 'the master key is another'}"
    return f"{what}. Its work waits and goes on by itself."


def explain_paused(name: str) -> str:
    """Why the work of a paused account waits."""
    return f"Account {name} is paused; resume it under Settings. Its work waits and goes on by itself."
