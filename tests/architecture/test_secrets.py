"""No credential is in what is tracked; and what looks for them finds each kind."""

from __future__ import annotations

import secrets
import string

import httpx
import pytest

from scripts import audit, secret_scan


def test_nothing_that_is_tracked_looks_like_a_credential() -> None:
    paths = secret_scan.tracked()
    assert [str(finding) for finding in secret_scan.scan_files(paths)] == []


def made_up(length: int, letters: str = string.ascii_letters + string.digits) -> str:
    return "".join(secrets.choice(letters) for _ in range(length))


KINDS = {
    "Cursor key": lambda: "crsr_" + made_up(64, "0123456789abcdef"),
    "GitHub token": lambda: "ghp_" + made_up(36),
    "AWS": lambda: "AKIA" + made_up(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "model provider": lambda: "sk-" + made_up(40),
    "Supabase": lambda: "sb_secret_" + made_up(30),
    "signed token": lambda: f"eyJ{made_up(20)}.eyJ{made_up(40)}.{made_up(43)}",
    "token of this product": lambda: "cm_" + made_up(43),
    "password in an address": lambda: f"postgresql://postgres:{made_up(16)}@db.abc.supabase.co:5432/postgres",
    "private key": lambda: "-----BEGIN PRIVATE KEY-----" + made_up(64),
    "a value called a secret": lambda: f'WEBHOOK_SECRET = "{made_up(40)}7a"',
}


@pytest.mark.parametrize("what", KINDS)
def test_each_kind_of_credential_is_found_and_not_repeated_whole(what: str) -> None:
    credential = KINDS[what]()
    findings = list(secret_scan.look(f"first line\nkey: {credential} and more", "a file"))
    assert what in {finding.what for finding in findings}
    assert str(findings[0]).startswith("a file:2: ")
    assert credential not in str(findings)


def test_every_locked_package_is_asked_about_and_holes_are_named() -> None:
    packages = audit.locked()
    assert len(packages) > 60

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"results": [{"vulns": [{"id": "PYSEC-1"}]}] + [{}] * (len(packages) - 1)})

    name, version = packages[0]
    assert audit.ask(packages, transport=httpx.MockTransport(answer)) == [f"{name} {version}: PYSEC-1"]


def test_a_database_out_of_reach_is_said_and_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> list[str]:
        raise audit.OutOfReachError("nobody can be asked")

    monkeypatch.setattr(audit, "ask", fail)
    assert audit.main() == 0
    assert capsys.readouterr().out == "nobody can be asked: nothing was looked at\n"
