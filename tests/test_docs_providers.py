"""
The generated pages of the providers.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path

import pytest

from mailfailover import Feature, Mailer
from mailfailover._setup.registry import installed
from tests.providers.registrations import vendors

DOCS = Path(__file__).parents[1] / "docs"
ACCOUNT = "8d0f7a3e-52c1-4b6f-9a77-1f0c2d3e4b5a"
EXAMPLE = re.compile(r'Mailer\("([^"]+)"\)')


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """
    The pages by their names.
    """
    spec = importlib.util.spec_from_file_location("provider_pages", DOCS / "provider_pages.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    target = tmp_path_factory.mktemp("docs")
    shutil.copy(DOCS / "webhook-setup.md", target)
    module.write(target)
    return {page.stem: page.read_text() for page in (target / "_generated/providers").iterdir()}


def test_each_example_is_a_mailer(
    pages: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The DSN of every page can be used as it is written there, and every scheme has one.
    """
    monkeypatch.chdir(tmp_path)
    found = [dsn for page in pages.values() for dsn in EXAMPLE.findall(page)]

    for dsn in found:
        filled = dsn.replace("HOST", "mail.example.com").replace("ACCOUNT_ID", ACCOUNT)
        Mailer(filled, from_email="a@example.com").close()

    assert {dsn.partition(":")[0] for dsn in found} == {
        one.scheme for one in installed() if one.builtin
    }


def test_the_table_of_forms_names_who_carries_them() -> None:
    """
    The page about invitations, AMP and signed mail knows each built-in provider.
    """
    rows = re.findall(
        r"^\| `([A-Z]+)` \|[^|]*\|(.*)\|$", (DOCS / "mime.md").read_text(), re.MULTILINE
    )
    told = {name: re.findall(r"`([a-z0-9]+)`", words) for name, words in rows}
    carriers = {
        name: {
            one
            for one in vendors()
            if Feature[name] in vendors()[one].provider.capabilities.features
        }
        for name in told
    }

    assert carriers["CALENDAR"] == set(told["CALENDAR"])
    assert carriers["AMP"] == {*told["CALENDAR"], *told["AMP"]}
    assert carriers["ALTERNATIVES"] == carriers["CALENDAR"]
    assert carriers["MIME"] == {*told["CALENDAR"]} - {*told["MIME"]}


def test_each_vendor_says_where_its_key_is(pages: dict[str, str]) -> None:
    """
    A page of a vendor names the place of the key or token, before anything else.
    """
    vendors = {
        name: page
        for name, page in pages.items()
        if re.search(r"_KEY|TOKEN", EXAMPLE.findall(page)[0])
    }

    for name, page in vendors.items():
        start = page.partition("```{eval-rst}")[2].strip().partition("\n\n")[0]
        assert re.search(r"\b(keys?|tokens?)\b", start, re.IGNORECASE), f"{name}: {start}"
    assert len(vendors) > 20
