"""
Signature Version 4 of Amazon's services: the headers that sign one request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html (2026-11)
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlsplit

from mailfailover._provider.bodies import sha256_hex
from mailfailover._provider.calls import host_header
from mailfailover._values.face import published_in

if TYPE_CHECKING:
    from mailfailover._values.wire import HTTPRequest

_ALGORITHM = "AWS4-HMAC-SHA256"


@published_in("mailfailover.plugin")
class AWSCredentials(NamedTuple):
    """
    AWS credentials: the two halves of a key, and the token of a temporary key.
    """

    key_id: str
    secret: str
    token: str = ""

    def __repr__(self) -> str:
        return f"AWSCredentials({self.key_id!r})"


def sign_aws(
    request: HTTPRequest, now: float, credentials: AWSCredentials, *, region: str, service: str
) -> dict[str, str]:
    """
    Make the headers that sign *request*, which has no query; for :attr:`HTTPRequest.auth`.

    Args:
        request: The request. Its host, its path and all of its headers are signed.

        now: Unix time.

        credentials: The key that signs.

        region: The region of the service, ``"eu-west-1"``.

        service: The name of the service in a signature, ``"ses"``.
    """
    time = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    added = {"X-Amz-Date": time}
    if credentials.token:
        added["X-Amz-Security-Token"] = credentials.token
    headers = {"Host": host_header(request.url), **request.headers, **added}
    signed, digest = _canonical(request, headers)
    scope = (time[:8], region, service, "aws4_request")
    to_sign = "\n".join((_ALGORITHM, time, "/".join(scope), digest))
    key = b"AWS4" + credentials.secret.encode()
    for one in (*scope, to_sign):
        key = hmac.digest(key, one.encode(), "sha256")
    name = "/".join((credentials.key_id, *scope))
    added["Authorization"] = (
        f"{_ALGORITHM} Credential={name}, SignedHeaders={signed}, Signature={key.hex()}"
    )
    return added


def _canonical(request: HTTPRequest, headers: dict[str, str]) -> tuple[str, str]:
    """
    The names of the signed headers, and the hash of the request in Amazon's own order.
    """
    lines = sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())
    signed = ";".join(name for name, _ in lines)
    text = [request.method, quote(urlsplit(request.url).path, safe="/~"), ""]
    text += [f"{name}:{value}" for name, value in lines]
    text += ["", signed, sha256_hex(request.body)]
    return signed, sha256("\n".join(text).encode()).hexdigest()
