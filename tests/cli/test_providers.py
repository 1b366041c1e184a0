from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from mailfailover._provider.capabilities import UNDECLARED
from mailfailover._setup.registry import PluginInfo
from mailfailover.cli.matrix import Entry, capabilities_of, entries, markdown
from mailfailover.cli.webhook_matrix import webhook_table
from mailfailover.plugin import Capabilities
from tests.cli.running import install_plugin, process, run
from tests.providers.registrations import webhook_vendors

if TYPE_CHECKING:
    from pathlib import Path


def test_providers_are_listed() -> None:
    """
    Each installed provider is there with its abilities and limits.
    """
    text = run("providers").stdout

    assert "console://   mailfailover 0.1.0\n  can:     everything\n" in text
    assert "10 tags in a mail" in text
    assert "  is:      provisional\n  unsure:  the codes of its errors" in text


def test_providers_are_json() -> None:
    """
    The same as data.
    """
    found = {one["scheme"]: one for one in json.loads(run("providers", "--json").stdout)}

    features = found["smtp"].pop("features")
    assert {
        "scheme": "smtp",
        "distribution": "mailfailover",
        "version": "0.1.0",
        "value": "mailfailover.providers.smtp:SMTP",
        "builtin": True,
        "broken": "",
        "limits": {},
        "maturity": "stable",
        "webhooks": None,
        "unconfirmed": [
            "the form of queue ids of servers other than Postfix, Exim, sendmail and SES"
        ],
    } == found["smtp"]
    assert "ATTACHMENTS" in features
    assert "TAGS" not in features
    assert 10 == found["sendgrid"]["limits"]["max_tags"]
    assert [
        "5 calls for one webhook",
        "repeated for 11.2 h",
        "dropped at any 4xx or 5xx but 429",
        "a failure is answered with 429",
    ] == found["brevo"]["webhooks"]


def test_matrix_is_markdown() -> None:
    """
    The documentation's table has a column a provider and a row a feature.
    """
    rows = run("providers", "--markdown").stdout.splitlines()

    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    table = {row[0]: dict(zip(cells[0], row, strict=True)) for row in cells[2:]}
    assert {len(cells[0])} == set(map(len, cells))
    assert ("", "yes") == (table["tags"]["`smtp`"], table["tags"]["`sendgrid`"])
    assert "30 MB" == table["most for a mail"]["`sendgrid`"]
    assert ("stable", "provisional") == (
        table["maturity"]["`sendgrid`"],
        table["maturity"]["`mailomat`"],
    )


def test_broken_plugin_is_listed_with_its_reason(tmp_path: Path) -> None:
    """
    A plugin that cannot be used harms no other, and says why it cannot.
    """
    install_plugin(tmp_path)

    done = process("providers", PYTHONPATH=str(tmp_path))

    assert 0 == done.returncode
    assert (
        "acme://   acme-mail 2.0\n"
        "  BROKEN: importing it raised ModuleNotFoundError: No module named 'acme_mail'\n"
    ) in done.stdout
    assert "mailgun://   mailfailover" in done.stdout


def test_broken_plugin_has_no_column() -> None:
    """
    The matrix shows what can be used.
    """
    info = PluginInfo("acme", "acme-mail", "2.0", "acme_mail:Acme", builtin=False)
    broken = PluginInfo("bad", "acme-mail", "2.0", "acme_mail:Bad", builtin=False, broken="why")

    table = markdown([Entry(info, Capabilities(max_tags=2)), Entry(broken, None)])

    assert "|  | `acme` |" == table.splitlines()[0]
    assert "| most tags in a mail | 2 |" in table.splitlines()


def test_matrix_of_the_documentation_has_the_built_in_ones_only() -> None:
    """
    What else is installed on the machine that builds the documentation is not in it.
    """
    builtin = [one.info.scheme for one in entries() if one.info.builtin]

    head = markdown().splitlines()[0]
    assert f"|  | {' | '.join(f'`{scheme}`' for scheme in builtin)} |" == head


@pytest.mark.parametrize("declared", [None, "everything"], ids=["none", "nonsense"])
def test_provider_without_capabilities_can_little(declared: object) -> None:
    """
    The simplest providers declare nothing, and get text and HTML.
    """
    provider = type("Simple", (), {} if declared is None else {"capabilities": declared})

    assert UNDECLARED is capabilities_of(provider)


def test_every_vendor_has_a_row_in_the_table_of_repetitions() -> None:
    """
    Each provider with webhooks, with what is known and what is not.
    """
    lines = webhook_table().splitlines()
    rows = {line.split("`")[1]: line for line in lines[2:]}

    assert webhook_vendors().keys() == rows.keys()
    assert {lines[0].count("|")} == {line.count("|") for line in lines}
    assert "| 3 | 1.83 min |  | 20 failures within 24 hours | 400, 403, 500 |" in rows["mailersend"]
    assert "| unknown | unknown | unknown |  | 500, 503 |  |" in rows["zeptomail"]


def test_repetitions_of_one_vendor_are_told() -> None:
    """
    How often and how long, what loses a webhook, what we answer, and who says so.
    """
    assert (
        "brevo\n"
        "  5 calls for one webhook\n"
        "  repeated for 11.2 h\n"
        "  dropped at any 4xx or 5xx but 429\n"
        "  a failure is answered with 429\n"
        "  by https://developers.brevo.com/docs/retry-mechanism (2026-11)\n"
        "zeptomail\n"
        "  its vendor does not say how it repeats a webhook\n"
        "  a failure is answered with 500, 503\n"
    ) == run("webhooks", "retries", "brevo", "zeptomail").stdout


def test_repetitions_as_json() -> None:
    """
    Each of our statuses stands beside the one that is answered.
    """
    found = json.loads(run("webhooks", "retries", "--json").stdout)

    assert webhook_vendors().keys() == found.keys()
    assert {
        "attempts": 3,
        "span": 110.0,
        "page": "https://www.mailersend.com/help/webhooks (2026-11)",
        "given_up": "",
        "endangers": "20 failures within 24 hours",
        "statuses": {"400": 400, "403": 403, "500": 500, "503": 503},
        "signed_anew": False,
    } == found["mailersend"]


def test_repetitions_of_a_provider_without_webhooks() -> None:
    """
    Its name is answered with those that have some.
    """
    done = run("webhooks", "retries", "smtp")

    assert 2 == done.exit_code
    assert "'smtp' has no webhooks; known: ahasend," in done.stderr


def test_a_broken_plugin_hides_no_repetitions(tmp_path: Path) -> None:
    """
    It is left out, and the others are told.
    """
    install_plugin(tmp_path)

    done = process("webhooks", "retries", PYTHONPATH=str(tmp_path))

    assert (0, "ahasend\n") == (done.returncode, done.stdout[:8])
    assert "acme" not in done.stdout
