"""
The pages of the providers, written from their code: no fact about a provider is kept twice.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

from mailfailover._setup.registry import find
from mailfailover._setup.url_link import usage
from mailfailover.cli.matrix import Entry, entries, markdown
from mailfailover.cli.webhook_matrix import webhook_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEADING = re.compile(r"(?m)^## (.+)$")


def write(docs: Path) -> None:
    """
    Write all generated pages below *docs*, the directory of the documentation.
    """
    target = docs / "_generated"
    found = [entry for entry in entries() if entry.info.builtin]
    webhooks = HEADING.findall((docs / "webhook-setup.md").read_text("utf-8"))
    _write(target / "matrix.md", markdown(found))
    _write(target / "webhook-retries.md", webhook_table())
    for provider, schemes in _classes(found).items():
        lines = _page(provider, schemes, _anchor(provider, webhooks))
        _write(target / "providers" / f"{schemes[0].info.scheme}.md", "\n".join(lines))


def _classes(found: list[Entry]) -> dict[type, list[Entry]]:
    classes: dict[type, list[Entry]] = {}
    for entry in found:
        classes.setdefault(find(entry.info.scheme), []).append(entry)
    return classes


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def _anchor(provider: type, headings: list[str]) -> str:
    """
    The anchor of the provider's section about webhooks, "" if it has none.
    """
    name = provider.__name__.lower()
    mine = [one for one in headings if one.replace(" ", "").lower().endswith(name)]
    return mine[0].replace(" ", "-").lower() if mine else ""


def _page(provider: type, schemes: list[Entry], webhooks: str) -> Iterator[str]:
    name = provider.__name__
    opening, *more = (inspect.getdoc(provider) or "").split("\n\n")
    before_attributes = more[: next(i for i, text in enumerate(more) if _is_section(text))]
    yield f"# {name}\n"
    yield f"{opening}\n"
    yield "```python\nfrom mailfailover import Mailer\n"
    yield from (f'mailer = Mailer("{usage(one.info.scheme, provider)}")' for one in schemes)
    yield "```\n"
    yield "What stands in capital letters is yours. Percent-encode it if it has other characters "
    yield "than letters, digits, `-`, `.` and `_`.\n"
    yield "```{eval-rst}"
    yield "\n\n".join(before_attributes)
    yield "```\n"
    yield "## What it can do\n"
    yield "```text"
    yield from schemes[0].lines()
    yield "```\n"
    if webhooks:
        yield "## Webhooks\n"
        yield f"[Set them up](../../webhook-setup.md#{webhooks}) and try them with a sample.\n"
    yield "## Every option\n"
    yield "Each field is an option of the DSN, such as `?base_url=https://proxy.example.com`.\n"
    yield "```{eval-rst}"
    yield f".. autoclass:: {provider.__module__}.{name}"
    yield "   :no-index-entry:\n"
    yield "```\n"


def _is_section(text: str) -> bool:
    return text.startswith(("Attributes:", ".. versionadded"))
