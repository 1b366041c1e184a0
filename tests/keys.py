"""
Key pairs for tests of webhooks: small and made once, because making one takes long.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    """
    Return an RSA key.
    """
    return rsa.generate_private_key(65537, 1024)  # noqa: S505 -- guards nothing, and signs eight times faster


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    """
    Return a key of the curve P-256.
    """
    return ec.generate_private_key(ec.SECP256R1())


@cache
def ed25519_key() -> ed25519.Ed25519PrivateKey:
    """
    Return an Ed25519 key.
    """
    return ed25519.Ed25519PrivateKey.generate()


def public_pem(key: Any) -> str:
    """
    Return the public half in PEM.
    """
    found = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert isinstance(found, bytes)
    return found.decode()


def public_base64(key: Any) -> str:
    """
    Return the public half as vendors show it: PEM without its first and last line.
    """
    return "".join(public_pem(key).splitlines()[1:-1])


def public_raw(key: ed25519.Ed25519PrivateKey) -> str:
    """
    Return the public half as bare bytes, in base64.
    """
    found = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return b64encode(found).decode()


def certificate(key: Any, start: float, days: int = 365, issuer: Any = None) -> bytes:
    """
    Return a certificate of the key, valid from the Unix time *start*; its own where no issuer.
    """
    signer = issuer or key
    begin = datetime.fromtimestamp(start, UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=days))
        .sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)
