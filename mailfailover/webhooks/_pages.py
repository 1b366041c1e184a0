"""
The pages that a person sees who follows an unsubscribe link: short, and without any script.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

__all__ = ["ASK", "DONE", "HEADERS", "UNKNOWN"]

_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem;"
    "color-scheme:light dark}button{font:inherit;padding:.5rem 1.2rem}"
)
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
_FORM = (
    '<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">'
    '<button type="submit">Unsubscribe</button></form>'
)

_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)

HEADERS = (
    ("Content-Security-Policy", _POLICY),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Robots-Tag", "noindex"),
    ("Cache-Control", "no-store"),
)
"""The page has no scripts and must not be cached, because its URL contains the address."""


def _page(title: str, *lines: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{title}</h1>{''.join(lines)}</main></body></html>\n"
    )


ASK = _page("Unsubscribe", "<p>You will get no more mails of this kind.</p>", _FORM)
DONE = _page("You are unsubscribed", "<p>You will get no more mails of this kind.</p>")
UNKNOWN = _page("This link is not valid", "<p>Please use the whole link of the mail.</p>")
