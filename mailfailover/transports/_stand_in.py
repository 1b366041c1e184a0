"""
The answer of a stand-in for ``HTTPAdapter.send``, such as the package ``responses``.

It came over no connection of ours, so it is read as requests would read it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._values.wire import Response
from mailfailover.transports._answer_body import unpack_body
from mailfailover.transports._answer_head import UnreadableAnswerError

if TYPE_CHECKING:
    import requests

    from mailfailover.transports._progress import Progress


def read_stand_in(answer: requests.Response, progress: Progress, limit: int) -> Response:
    """
    Read *answer*, of at most *limit* bytes.

    Raises:
        UnreadableAnswerError: If it is larger, or is not what its headers say.
    """
    progress.answered(answer.status_code)
    headers = dict(answer.raw.headers)
    body = answer.raw.read(limit + 1, decode_content=False)
    if len(body) > limit:
        raise UnreadableAnswerError(f"it is larger than {limit} bytes")
    encoding = Response(answer.status_code, headers).headers.get("content-encoding", "")
    return Response(answer.status_code, headers, unpack_body(body, encoding, limit))
