from __future__ import annotations

from typing import ClassVar

from mailfailover_acme import Acme  # type: ignore[import-not-found]  # not in this environment

from mailfailover.errors import AuthenticationFailed, ProviderUnavailable, RecipientRejected
from mailfailover.plugin import Response
from mailfailover.testing import ProviderContract


class TestAcme(ProviderContract):
    provider = Acme(token="secret-token")
    accepted = Response(202, {}, b'{"id": "acme-1"}')
    accepted_id = "acme-1"
    errors: ClassVar = [
        (Response(401, {}, b'{"code": "bad_token"}'), AuthenticationFailed),
        (Response(400, {}, b'{"code": "no_such_user"}'), RecipientRejected),
        (Response(503, {}, b'{"code": "maintenance"}'), ProviderUnavailable),
    ]
