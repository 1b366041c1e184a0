"""
The public keys that a vendor publishes, where a webhook's reader fetches them.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from mailfailover.testing._http_wire import CannedResponse

if TYPE_CHECKING:
    from mailfailover.chaos._keys import Keys
    from mailfailover.testing import RecordedRequest

__all__ = ["key_page"]

_CERTIFICATE = re.compile(r"/[\w./-]*\.pem")
_SNS_HOST = re.compile(r"sns\.[a-z0-9-]+\.amazonaws\.com|messaging\.s3\.fr-par\.scw\.cloud")
_KEY = "/tx/v1/webhook/public-key"


def key_page(request: RecordedRequest, vendor: str | None, keys: Keys) -> CannedResponse | None:
    """
    The key or the certificate that is asked for; None where none is.

    The hosts of SNS are recognized by the Host header.
    """
    if request.method != "GET":
        return None
    path = request.path.partition("?")[0]
    if vendor == "mailchannels" and path == _KEY:
        body = json.dumps({"id": "mckey", "key": keys.public(vendor)}).encode()
        return CannedResponse(200, body, (("Content-Type", "application/json"),))
    host = request.header("Host").partition(":")[0]
    if _SNS_HOST.fullmatch(host) and _CERTIFICATE.fullmatch(path):
        return CannedResponse(200, keys.certificate, (("Content-Type", "application/x-pem-file"),))
    return None
