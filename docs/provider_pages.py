"""
Writes the page of the providers from the code: nothing about one is kept in two places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._setup.registry import find
from mailfailover.cli.matrix import entries, markdown
from mailfailover.cli.webhook_matrix import webhook_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def write(path: Path) -> None:
    """
    Write the matrix and a section for each built-in provider to *path*.
    """
    _write(path, "\n".join(_lines()))


def write_retries(path: Path) -> None:
    """
    Write how vendors repeat their webhooks to *path*.
    """
    _write(path, webhook_table())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _lines() -> Iterator[str]:
    found = [entry for entry in entries() if entry.info.builtin]
    yield markdown(found)
    classes: dict[type, list[str]] = {}
    for entry in found:
        classes.setdefault(find(entry.info.scheme), []).append(entry.info.scheme)
    for provider, schemes in classes.items():
        yield f"## {provider.__name__}\n"
        yield from (f"`{_dsn(provider, scheme)}`\n" for scheme in schemes)
        yield "```{eval-rst}"
        yield f".. autoclass:: {provider.__module__}.{provider.__name__}"
        yield "   :no-index-entry:\n"
        yield "```\n"
        yield from _certainty(provider)


def _certainty(provider: type) -> Iterator[str]:
    """
    How sure the provider is, and what the vendor's documents do not confirm.
    """
    facts = getattr(provider, "unconfirmed", ())
    maturity = getattr(provider, "maturity", "stable")
    yield f"Maturity: {maturity}." + (
        " Not confirmed by the vendor's documents:\n" if facts else "\n"
    )
    yield from (f"- {fact}" for fact in facts)
    if facts:
        yield ""


def _dsn(provider: type, scheme: str) -> str:
    """
    How its DSN is written: what stands before the host, and the host.
    """
    user = ":".join(name.upper() for name in getattr(provider, "userinfo", ()))
    if hasattr(provider, "dsn_path"):
        return f"{scheme}:///path"
    if "host" in getattr(provider, "__dataclass_fields__", {}):
        return f"{scheme}://{user}@HOST"
    return f"{scheme}://{user}@default" if user else f"{scheme}://"
