"""Tokens of Supabase: only one that the project itself signed, for a person, for us, now, opens anything."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cursor_monitor.supabase.errors import SupabaseError
from cursor_monitor.supabase.tokens import TokenVerifier, usable_keys
from tests.fakes.gotrue import LEGACY_SECRET, FakeGoTrue, public_keys, signing_key


@pytest.fixture
def project() -> FakeGoTrue:
    made = FakeGoTrue()
    made.url = "https://p.supabase.co"
    return made


def verifier(project: FakeGoTrue, secret: str | None = None) -> TokenVerifier:
    return TokenVerifier(f"{project.url}/auth/v1", lambda: project.keys, secret)


@pytest.mark.parametrize(("algorithm", "secret"), [("ES256", None), ("RS256", None), ("HS256", LEGACY_SECRET)])
def test_a_good_token_says_who_it_is_about(project: FakeGoTrue, algorithm: str, secret: str | None) -> None:
    project.algorithm = algorithm
    account = project.add("ada@example.com")
    claims = verifier(project, secret).verify(project.sign(account, "magiclink"))
    assert (claims.subject, claims.email, claims.opened_a_mail) == (account.id, "ada@example.com", True)


NOW = int(time.time())
BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "over": {"exp": NOW - 60},
    "endless": {"exp": None},
    "of another project": {"iss": "https://other.supabase.co/auth/v1"},
    "of a look-alike": {"iss": "https://p.supabase.co/auth/v1/"},
    "of nobody": {"iss": None},
    "for somebody else": {"aud": "other"},
    "for several": {"aud": ["authenticated", "other"]},
    "for nobody": {"aud": None},
    "not yet issued": {"iat": NOW + 600},
    "not yet valid": {"nbf": NOW + 600},
    "of the service": {"role": "service_role"},
    "of a visitor": {"is_anonymous": True},
    "about nobody": {"sub": ""},
    "about a number": {"sub": 7},
    "without an address": {"email": ""},
}


@pytest.mark.parametrize("claims", BAD_CLAIMS.values(), ids=BAD_CLAIMS.keys())
def test_a_token_with_wrong_claims_is_refused(project: FakeGoTrue, claims: dict[str, Any]) -> None:
    with pytest.raises(SupabaseError) as caught:
        verifier(project).verify(project.sign(project.add("ada@example.com"), "password", **claims))
    assert caught.value.kind == "wrong"


def base64_of(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def forged(project: FakeGoTrue) -> dict[str, str]:
    good = project.sign(project.add("ada@example.com"), "password")
    header, body, signature = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})
    public = signing_key("ES256").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def with_header(**fields: Any) -> str:
        return base64_of(json.dumps(fields).encode())

    mixed = f"{with_header(alg='HS256', kid='key-ES256')}.{body}"
    other = base64_of(json.dumps({**claims, "email": "root@example.com"}).encode())
    stranger = jwt.encode(claims, "another secret of thirty-two characters!", "HS256", {"kid": "key-ES256"})
    return {
        "without a signature": f"{with_header(alg='none')}.{body}.",
        "without a signature, of a known key": f"{with_header(alg='none', kid='key-ES256')}.{body}.",
        "with another body": f"{header}.{other}.{signature}",
        "with an empty signature": f"{header}.{body}.",
        "signed with the public key as a secret": f"{mixed}.{base64_of(hmac.digest(public, mixed.encode(), 'sha256'))}",
        "signed with a secret of their own": stranger,
        "of an unknown key": jwt.encode(claims, signing_key("ES256"), "ES256", {"kid": "who"}),
        "without the name of a key": jwt.encode(claims, signing_key("ES256"), "ES256"),
        "by another kind of key than it says": jwt.encode(claims, signing_key("RS256"), "RS256", {"kid": "key-ES256"}),
        "by a key that it brings along": jwt.encode(
            claims, signing_key("ES256"), "ES256", {"jwk": project.keys[0], "jku": "https://evil.example/jwks"}
        ),
        "no token": "nothing",
        "too long": good + "x" * 20_000,
    }


@pytest.mark.parametrize("how", list(forged(FakeGoTrue())))
def test_a_forged_token_is_refused(project: FakeGoTrue, how: str) -> None:
    for secret in (None, LEGACY_SECRET):
        with pytest.raises(SupabaseError) as caught:
            verifier(project, secret).verify(forged(project)[how])
        assert caught.value.kind == "wrong"


def test_a_project_that_signs_with_its_secret_needs_the_secret(project: FakeGoTrue) -> None:
    project.algorithm = "HS256"
    token = project.sign(project.add("ada@example.com"), "password")
    with pytest.raises(SupabaseError, match="SUPABASE_JWT_SECRET"):
        verifier(project).verify(token)


def test_a_new_key_is_found_and_a_made_up_one_does_not_ask_again_and_again(project: FakeGoTrue) -> None:
    asked: list[int] = []

    def fetch() -> list[Any]:
        asked.append(1)
        return project.keys

    checks = TokenVerifier(f"{project.url}/auth/v1", fetch)
    account, project.keys = project.add("ada@example.com"), []
    with pytest.raises(SupabaseError):
        checks.verify(project.sign(account, "password"))
    project.keys = public_keys("ES256")
    for _ in range(20):
        with pytest.raises(SupabaseError):
            checks.verify(project.sign(account, "password"))
    assert len(asked) == 1
    checks._fetched = time.monotonic() - 31  # pyright: ignore[reportPrivateUsage]
    assert checks.verify(project.sign(account, "password")).email == "ada@example.com"
    assert len(asked) == 2


def test_keys_that_are_not_for_this_are_left_out() -> None:
    [good] = public_keys("ES256")
    others = [
        {**good, "use": "enc"},
        {**good, "alg": "ES512"},
        {**good, "crv": "P-384"},
        {**good, "kid": ""},
        {**good, "x": "AA"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
        "no key",
    ]
    assert usable_keys(others) == {}
    assert list(usable_keys([*others, good])) == ["key-ES256"]
