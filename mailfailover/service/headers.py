"""
The security headers of every answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover.service.visit import request_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask, Response

__all__ = ["MAIL_POLICY", "add_headers"]


def _policy(rules: Mapping[str, str]) -> str:
    return "; ".join(f"{name} {value}".strip() for name, value in rules.items())


# Pages load nothing from other hosts, have no inline script, and cannot be framed.
PAGE_POLICY = _policy(
    {
        "default-src": "'none'",
        "base-uri": "'none'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "frame-src": "'self'",
        "img-src": "'self'",
        "script-src": "'self'",
        "style-src": "'self'",
    }
)
# The content of a mail is shown, and can do nothing: no script, no form, no image from
# elsewhere that tells its owner who looks.
MAIL_POLICY = _policy(
    {
        "default-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
        "img-src": "data:",
        "sandbox": "",
        "style-src": "'unsafe-inline'",
    }
)
_HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", PAGE_POLICY),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    # Not no-referrer: that makes the browser hide the origin of our own forms, too.
    ("Referrer-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-DNS-Prefetch-Control", "off"),
    ("X-Frame-Options", "SAMEORIGIN"),
)


def add_headers(app: Flask) -> None:
    """
    Add the headers to each answer of *app*, unless a view has set them itself.
    """
    app.after_request(_add)


def _add(response: Response) -> Response:
    present = {name for name, _ in response.headers}
    response.headers.extend([pair for pair in _HEADERS if pair[0] not in present])
    response.headers.add("X-Request-Id", request_id())
    return response
