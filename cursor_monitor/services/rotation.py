"""Changing the master key: everything that is sealed is sealed anew, all or nothing."""

from __future__ import annotations

from sqlmodel import Session

from cursor_monitor.domain.errors import Conflict
from cursor_monitor.secrets.cipher import SecretError
from cursor_monitor.secrets.vault import vault
from cursor_monitor.services.clients import owner_of
from cursor_monitor.store import accounts
from cursor_monitor.store.database import transactional


def rotate() -> int:
    """Seal every stored key with the first master key, a fresh one where it is our own file; returns how many.

    Raises Conflict, having changed nothing, where one cannot be decrypted.
    """
    resealed = _reseal()
    if vault().has_own_file:
        vault().drop_former_file_keys()
    return resealed


@transactional
def _reseal(session: Session) -> int:
    accounts.lock_keys(session, alone=True)
    sealed = [(a.id, a.name, a.key_sealed) for a in accounts.select_all(session) if a.key_sealed is not None]
    opened = [(account_id, _opened(account_id, name, text)) for account_id, name, text in sealed]
    if vault().has_own_file:
        vault().add_file_key()
    for account_id, key in opened:
        accounts.update(session, account_id, key_sealed=vault().encrypt(key, owner_of(account_id)))
    return len(opened)


def _opened(account_id: str, name: str, sealed: str) -> str:
    try:
        return vault().decrypt(sealed, owner_of(account_id))
    except SecretError as error:
        raise Conflict(f"Nothing was changed: the key of account {name} cannot be decrypted; {error}.") from None
