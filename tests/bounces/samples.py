"""
Mails that bounces are made of.
"""

from __future__ import annotations

from pathlib import Path

DATA = Path(__file__).parent / "data"


def sample(name: str) -> bytes:
    """
    Return the bounce of this name.
    """
    return (DATA / f"{name}.eml").read_bytes()


def sent_to(name: str, address: str) -> bytes:
    """
    Return the same bounce, come to *address*.
    """
    return sample(name).replace(b"\nTo: news@example.com", b"\nTo: " + address.encode(), 1)
