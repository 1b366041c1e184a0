"""
Signatures that anybody can check, by a public key or a certificate.

The one place that uses the package `cryptography`, of the extra ``webhooks``.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mailfailover._provider.signatures import refusal, reveal_all
from mailfailover.errors import ConfigurationError, InvalidSignature

if TYPE_CHECKING:
    from mailfailover._provider.signatures import Secrets

_MISSING = 'this webhook needs the package cryptography: pip install "mailfailover[webhooks]"'


def verify_public_key(
    given: str | bytes, keys: Secrets, signed: bytes, *, digest: str = "sha256"
) -> None:
    """
    Check that *given* signs *signed*, by one of the public *keys*.

    An RSA key checks by PKCS #1 v1.5, one of an elliptic curve by ECDSA, an Ed25519 key by
    its own rule.

    Args:
        given: The signature, as bytes or in base64.

        keys: In PEM, or the base64 of a PEM without the rest; an unset one matches nothing.

        signed: The bytes that the vendor signs.

        digest: ``"sha256"``, or ``"sha1"`` for a vendor that still uses it.

    Raises:
        InvalidSignature: If it does not.
        ConfigurationError: If a key is none, or `cryptography` is not installed.
    """
    known = [_load_key(one) for one in reveal_all(keys)]
    try:
        signature = given if isinstance(given, bytes) else b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        signature = b""
    if not any(_fits(key, signature, signed, digest) for key in known):
        raise InvalidSignature(refusal("signature", known))


def read_certificate(pem: bytes, now: float, authority: bytes = b"") -> str:
    """
    Return the public key in a certificate, as PEM.

    Args:
        pem: The certificate.

        now: The Unix time at which it must be valid.

        authority:
            Certificates of which one must have issued it. Without, nobody is asked: take it
            from where only the vendor can have put it.

    Raises:
        InvalidSignature: If it is none, not valid then, or of another authority.
        ConfigurationError: If `cryptography` is not installed.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    except ImportError:
        raise ConfigurationError(_MISSING) from None
    try:
        found = x509.load_pem_x509_certificate(pem)
        time = datetime.fromtimestamp(now, UTC)
        issuers = x509.load_pem_x509_certificates(authority) if authority else []
        valid = all(
            one.not_valid_before_utc <= time <= one.not_valid_after_utc for one in (found, *issuers)
        )
    except (ValueError, OverflowError):
        valid = False
    if not valid or (authority and not any(_issued(found, one) for one in issuers)):
        message = "the webhook's certificate is unreadable, not valid at this time, or not issued"
        raise InvalidSignature(f"{message} by the vendor")
    key = found.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return key.decode("ascii")


def _issued(found: Any, issuer: Any) -> bool:
    from cryptography.exceptions import InvalidSignature as Unfit

    try:
        found.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, Unfit):
        return False
    return True


@lru_cache(maxsize=64)
def _load_key(text: str) -> Any:
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import (
            load_der_public_key,
            load_pem_public_key,
        )
    except ImportError:
        raise ConfigurationError(_MISSING) from None
    try:
        if "-----BEGIN" in text:
            return load_pem_public_key(text.encode())
        return load_der_public_key(b64decode("".join(text.split()), validate=True))
    except (ValueError, UnsupportedAlgorithm):
        message = "a webhook's public key is unreadable: copy it anew from the vendor's console"
        raise ConfigurationError(message) from None


def _fits(key: Any, signature: bytes, signed: bytes, digest: str) -> bool:
    from cryptography.exceptions import InvalidSignature as Unfit
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

    algorithm = {"sha1": hashes.SHA1, "sha256": hashes.SHA256}[digest]()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, ec.ECDSA(algorithm))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, signed)
        else:
            message = "a webhook's public key is neither RSA, nor of an elliptic curve, nor Ed25519"
            raise ConfigurationError(message)
    except Unfit:
        return False
    return True
