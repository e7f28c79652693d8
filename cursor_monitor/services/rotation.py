"""Changing the master key: everything that is sealed is sealed anew, all or nothing."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain.errors import Conflict
from cursor_monitor.secrets.cipher import SecretError
from cursor_monitor.secrets.vault import vault
from cursor_monitor.services.clients import owner_of
from cursor_monitor.services.notification_sending import owner_of_secret, owner_of_target
from cursor_monitor.store import accounts, notifications, tables
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
    opened = [
        (account_id, _opened(owner_of(account_id), f"key of account {name}", text)) for account_id, name, text in sealed
    ]
    channels = [_opened_channel(channel) for channel in notifications.select_all(session)]
    if vault().has_own_file:
        vault().add_file_key()
    for account_id, key in opened:
        accounts.update(session, account_id, key_sealed=vault().encrypt(key, owner_of(account_id)))
    for channel_id, target, secret in channels:
        values = {"target_sealed": vault().encrypt(target, owner_of_target(channel_id))}
        if secret is not None:
            values["secret_sealed"] = vault().encrypt(secret, owner_of_secret(channel_id))
        notifications.update(session, channel_id, **values)
    return len(opened) + len(channels)


def _opened_channel(channel: tables.NotificationChannel) -> tuple[UUID, str, str | None]:
    called, sealed = f"address of channel {channel.name}", channel.secret_sealed
    target = _opened(owner_of_target(channel.id), called, channel.target_sealed)
    return channel.id, target, _opened(owner_of_secret(channel.id), called, sealed) if sealed else None


def _opened(owner: str, called: str, sealed: str) -> str:
    try:
        return vault().decrypt(sealed, owner)
    except SecretError as error:
        raise Conflict(f"Nothing was changed: the {called} cannot be decrypted; {error}.") from None
