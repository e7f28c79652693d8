"""Encryption at rest: only the same master key and the same row open a secret again."""

from __future__ import annotations

from pathlib import Path

import pytest

from cursor_monitor.secrets import master
from cursor_monitor.secrets.cipher import Cipher, SecretError
from cursor_monitor.secrets.vault import Vault

OLD, NEW = "Aq3kX9mZ1pL7vT5wR2yB8nC4dF6gH0jK", "zY8xW7vU6tS5rQ4pO3nM2lK1jI0hG9fE"
KEY = "crsr_0123456789abcdef"


def test_what_is_sealed_opens_for_its_owner_alone() -> None:
    cipher = Cipher([NEW])
    sealed = cipher.encrypt(KEY, "row 1")
    assert KEY not in sealed
    assert cipher.decrypt(sealed, "row 1") == KEY
    assert cipher.encrypt(KEY, "row 1") != sealed
    with pytest.raises(SecretError, match="another row"):
        cipher.decrypt(sealed, "row 2")


def test_a_changed_text_is_refused() -> None:
    cipher = Cipher([NEW])
    sealed = cipher.encrypt(KEY, "row")
    other = "A" if sealed[-10] != "A" else "B"
    for changed in (sealed[:-10] + other + sealed[-9:], sealed[:-20], "v9" + sealed[2:], ""):
        with pytest.raises(SecretError, match="damaged"):
            cipher.decrypt(changed, "row")


def test_with_several_keys_the_first_encrypts_and_all_decrypt() -> None:
    sealed = Cipher([OLD]).encrypt(KEY, "row")
    both = Cipher([NEW, OLD])
    assert both.decrypt(sealed, "row") == KEY
    assert not both.is_current(sealed)
    assert Cipher([NEW]).decrypt(both.encrypt(KEY, "row"), "row") == KEY


def test_another_master_key_is_named_and_never_quoted() -> None:
    sealed = Cipher([OLD]).encrypt(KEY, "row")
    with pytest.raises(SecretError, match=f"id {Cipher([OLD]).key_id}.*CURSOR_MONITOR_SECRET_KEY") as caught:
        Cipher([NEW]).decrypt(sealed, "row")
    assert OLD not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("short", "too weak"),
        ("a" * 64, "too weak"),
        ("change-me-change-me-change-me-1234567890", "placeholder"),
        ("your-secret-key-goes-here-0123456789abc", "placeholder"),
        (f"{NEW},short", "key 2 of 2 is too weak"),
    ],
)
def test_a_weak_master_key_is_refused_unquoted(value: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong) as caught:
        master.parse_master_keys(value)
    assert value not in str(caught.value)


def test_a_file_of_our_own_is_private_made_once_and_kept(tmp_path: Path) -> None:
    vault = Vault((), tmp_path)
    with pytest.raises(SecretError, match="no master key"):
        vault.decrypt("v1.x.y", "row")
    sealed = vault.encrypt(KEY, "row")
    path = tmp_path / master.FILE_NAME
    assert path.stat().st_mode & 0o777 == 0o600
    assert master.make_key_file(tmp_path) == tuple(path.read_text().split())
    assert Vault((), tmp_path).decrypt(sealed, "row") == KEY
    assert [p.name for p in tmp_path.iterdir()] == [master.FILE_NAME]


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    master.make_key_file(tmp_path)
    (tmp_path / master.FILE_NAME).chmod(0o644)
    with pytest.raises(SecretError, match="chmod 600"):
        Vault((), tmp_path).check()
