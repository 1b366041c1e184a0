from __future__ import annotations

import sys
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, x25519

from mailfailover._provider import public_keys
from mailfailover.errors import ConfigurationError, InvalidSignature
from mailfailover.plugin import Secrets, read_certificate, verify_public_key
from tests.keys import certificate, ec_key, ed25519_key, public_base64, public_pem, rsa_key
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Callable

BODY = b"what is signed"
NOW = 1_800_000_000.0
SIGNED: dict[str, tuple[Callable[[], Any], Callable[[], bytes], str]] = {
    "rsa": (rsa_key, lambda: rsa_key().sign(BODY, padding.PKCS1v15(), hashes.SHA256()), "sha256"),
    "rsa-sha1": (
        rsa_key,
        lambda: rsa_key().sign(BODY, padding.PKCS1v15(), hashes.SHA1()),  # noqa: S303 -- as SNS does
        "sha1",
    ),
    "ecdsa": (ec_key, lambda: ec_key().sign(BODY, ec.ECDSA(hashes.SHA256())), "sha256"),
    "ed25519": (ed25519_key, lambda: ed25519_key().sign(BODY), "sha256"),
}


@each("kind", SIGNED)
def test_signature_by_public_key(kind: str) -> None:
    """
    As bytes or in base64; the key in PEM or as vendors show it; the new or the old one.
    """
    key, sign, digest = SIGNED[kind]

    verify_public_key(sign(), public_pem(key()), BODY, digest=digest)
    several = (public_pem(ed25519_key()), public_base64(key()))
    verify_public_key(b64encode(sign()).decode(), several, BODY, digest=digest)


@each("kind", SIGNED)
@each("given", ["", "no base64", "é", b"zq", b"\0" * 64, b"\1" * 256])
def test_other_signature_is_refused(kind: str, given: str | bytes) -> None:
    """
    Anything else, for each kind of key.
    """
    key, _, digest = SIGNED[kind]

    with pytest.raises(InvalidSignature, match="is not one that is configured"):
        verify_public_key(given, public_pem(key()), BODY, digest=digest)


@each("kind", SIGNED)
def test_other_body_is_refused(kind: str) -> None:
    """
    The signature of something else.
    """
    key, sign, digest = SIGNED[kind]

    with pytest.raises(InvalidSignature):
        verify_public_key(sign(), public_pem(key()), BODY + b"!", digest=digest)


@each("keys", ["", (), ("",), lambda: ""])
def test_unset_key_matches_nothing(keys: Secrets) -> None:
    """
    Without a key nothing is signed.
    """
    with pytest.raises(InvalidSignature, match="no signature is configured"):
        verify_public_key(SIGNED["rsa"][1](), keys, BODY)


@each("key", ["zq", "-----BEGIN PUBLIC KEY-----\nzq\n", "AAAA"])
def test_unreadable_key_is_our_fault(key: str) -> None:
    """
    A key that is none is an error of the configuration, not of the webhook.
    """
    with pytest.raises(ConfigurationError, match="unreadable: copy it anew"):
        verify_public_key("", key, BODY)


def test_key_of_another_kind_is_our_fault() -> None:
    """
    Kinds that no vendor uses are not guessed at.
    """
    key = public_pem(x25519.X25519PrivateKey.generate())

    with pytest.raises(ConfigurationError, match="neither RSA"):
        verify_public_key("", key, BODY)


def test_key_of_a_certificate() -> None:
    """
    Its public key, while it is valid.
    """
    assert public_pem(rsa_key()) == read_certificate(certificate(rsa_key(), NOW), NOW + 1)


@each(
    ("start", "now"), [(NOW, NOW - 1), (NOW, NOW + 366 * 86400), (NOW, 1e300), (NOW, float("nan"))]
)
def test_certificate_out_of_its_time_is_refused(start: float, now: float) -> None:
    """
    Too early, too late, or at no time at all.
    """
    with pytest.raises(InvalidSignature, match="not valid at this time"):
        read_certificate(certificate(rsa_key(), start), now)


def test_certificate_of_an_authority() -> None:
    """
    Of several one must have issued it.
    """
    issued = certificate(ec_key(), NOW, issuer=rsa_key())
    authority = certificate(ed25519_key(), NOW) + certificate(rsa_key(), NOW)

    assert public_pem(ec_key()) == read_certificate(issued, NOW + 1, authority)


@each(
    "authority",
    [
        lambda: certificate(ed25519_key(), NOW),
        lambda: certificate(ec_key(), NOW),
        lambda: certificate(rsa_key(), NOW - 400 * 86400),
        lambda: b"zq",
    ],
    ids=["another", "of another kind", "old", "unreadable"],
)
def test_certificate_of_another_authority_is_refused(authority: Callable[[], bytes]) -> None:
    """
    Also if the right one is not valid any more, or none can be read.
    """
    issued = certificate(ec_key(), NOW, issuer=rsa_key())

    with pytest.raises(InvalidSignature, match="not issued by the vendor"):
        read_certificate(issued, NOW + 1, authority())


@each("pem", [b"", b"zq", b"-----BEGIN CERTIFICATE-----\nzq\n", b"\xff"])
def test_unreadable_certificate_is_refused(pem: bytes) -> None:
    """
    Whatever was fetched in its place.
    """
    with pytest.raises(InvalidSignature, match="unreadable"):
        read_certificate(pem, NOW)


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The error says what to install.
    """
    for name in [name for name in sys.modules if name.split(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    public_keys._load_key.cache_clear()

    with pytest.raises(ConfigurationError, match=r"mailfailover\[webhooks\]"):
        verify_public_key("", "AAAA", BODY)
    with pytest.raises(ConfigurationError, match=r"mailfailover\[webhooks\]"):
        read_certificate(b"", NOW)
