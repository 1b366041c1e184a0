"""
The keys that sign webhooks: one secret for all vendors, and key pairs for those that need one.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

__all__ = ["PASSWORD", "SECRET", "STANDARD_SECRET", "TOPIC", "USERNAME", "Keys"]

USERNAME = "chaos"
SECRET = PASSWORD = "chaos-webhook-secret"  # noqa: S105 -- it guards nothing: vendors here are played
STANDARD_SECRET = "whsec_Y2hhb3Mtd2ViaG9vay1zZWNyZXQ="  # noqa: S105 -- the same, by Standard Webhooks
TOPIC = "arn:aws:sns:eu-west-1:000000000000:chaos"


class Keys:
    """
    Key pairs, made when they are first needed.
    """

    @cached_property
    def ec(self) -> ec.EllipticCurvePrivateKey:
        """
        A key of the curve P-256.
        """
        from cryptography.hazmat.primitives.asymmetric import ec

        return ec.generate_private_key(ec.SECP256R1())

    @cached_property
    def ed25519(self) -> ed25519.Ed25519PrivateKey:
        """
        A key of Ed25519.
        """
        from cryptography.hazmat.primitives.asymmetric import ed25519

        return ed25519.Ed25519PrivateKey.generate()

    @cached_property
    def rsa(self) -> rsa.RSAPrivateKey:
        """
        A key of RSA.
        """
        from cryptography.hazmat.primitives.asymmetric import rsa

        return rsa.generate_private_key(65537, 2048)

    @cached_property
    def certificate(self) -> bytes:
        """
        The certificate that SNS would show for the RSA key, in PEM.
        """
        from datetime import UTC, datetime, timedelta

        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.serialization import Encoding

        now = datetime.now(UTC)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.rsa.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=365))
            .sign(self.rsa, hashes.SHA256())
        )
        return made.public_bytes(Encoding.PEM)

    def public(self, vendor: str) -> str:
        """
        The public key that *vendor* shows its users, in base64.
        """
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        key: Any = {"sendgrid": "ec", "mailpace": "ed25519", "mailchannels": "ed25519"}
        key = getattr(self, key.get(vendor, "rsa"))
        raw = vendor == "mailpace"
        found = key.public_key().public_bytes(
            Encoding.Raw if raw else Encoding.DER,
            PublicFormat.Raw if raw else PublicFormat.SubjectPublicKeyInfo,
        )
        return b64encode(found).decode()
