"""This process's way to encrypt and decrypt: where its master keys come from, looked at when they are needed."""

from __future__ import annotations

from pathlib import Path

from cursor_monitor.secrets import master, redaction
from cursor_monitor.secrets.cipher import Cipher, SecretError


class Vault:
    """The master keys of the environment or, where it has none, of the file in the data folder."""

    def __init__(self, keys: tuple[str, ...], data_dir: Path) -> None:
        self._keys = keys
        self._data_dir = data_dir
        redaction.register(*keys)

    @property
    def has_own_file(self) -> bool:
        """True where the master key is a file of ours and not the environment's."""
        return not self._keys

    def check(self) -> None:
        """Raise SecretError where there is a master key that may not be used as it is."""
        self._found()

    def encrypt(self, secret: str, owner: str) -> str:
        """Seal a secret; makes the file where there is no master key yet."""
        return Cipher(self._found() or self._registered(master.make_key_file(self._data_dir))).encrypt(secret, owner)

    def decrypt(self, sealed: str, owner: str) -> str:
        """Open a secret and have it redacted from all texts; raises SecretError where that is not possible here."""
        secret = self.cipher().decrypt(sealed, owner)
        redaction.register(secret)
        return secret

    def cipher(self) -> Cipher:
        """The cipher of the present keys; raises SecretError where there are none."""
        keys = self._found()
        if not keys:
            raise SecretError(
                f"there is no master key: {self._data_dir / master.FILE_NAME} is missing and CURSOR_MONITOR_SECRET_KEY "
                "is not set; put the former one back (with app and workers on several machines, set the variable "
                "to the same value on each)"
            )
        return Cipher(keys)

    def add_file_key(self) -> None:
        """Put a fresh key before those of the file: it encrypts from now on, everywhere."""
        master.write_key_file(self._data_dir, (master.new_key(), *master.read_key_file(self._data_dir)))

    def drop_former_file_keys(self) -> None:
        """Keep the first key of the file alone, once nothing is sealed with the others."""
        master.write_key_file(self._data_dir, master.read_key_file(self._data_dir)[:1])

    def _found(self) -> tuple[str, ...]:
        return self._keys or self._registered(master.read_key_file(self._data_dir))

    def _registered(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        redaction.register(*keys)
        return keys


_vault: Vault | None = None


def open_vault(keys: tuple[str, ...], data_dir: Path) -> None:
    """Use these from now on; raises SecretError where a master key is there that may not be used."""
    global _vault
    vault = Vault(keys, data_dir)
    vault.check()
    _vault = vault


def vault() -> Vault:
    """What open_vault() opened."""
    if _vault is None:
        raise RuntimeError("open_vault() was not called in this process")
    return _vault
