"""
The boundary between the parts of a body; nobody outside this process can predict it.
"""

from __future__ import annotations

import os
from functools import cache
from hashlib import blake2b


def boundary_for(seed: str) -> str:
    """
    Return a MIME boundary: the same for the same *seed* within one process.

    Nobody outside this process can predict it and write it into a mail's text.
    """
    return blake2b(seed.encode(), key=_boundary_key(), digest_size=20).hexdigest()


@cache
def _boundary_key() -> bytes:
    return os.urandom(32)
