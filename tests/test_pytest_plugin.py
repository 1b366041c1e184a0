from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

MAILBOX = """
    def test_mail(mailbox):
        mailbox.mailer.send(to="ann@example.com", subject="Hello", text="Hi")

        assert ["Hello"] == [mail.subject for mail in mailbox.messages]
        assert "sender@example.com" == str(mailbox.messages[0].from_email)
        mailbox.clear()
        assert () == mailbox.messages

    def test_each_test_has_its_own(mailbox):
        assert () == mailbox.messages
"""

FAULT_SERVER = """
    from mailfailover import Mailer

    def test_vendor(fault_server):
        first, second = fault_server("mailgun"), fault_server("sendgrid", record_bodies=False)
        first.fail("refuse")
        mailer = Mailer(
            [
                f"mailgun://key:example.com@default?base_url={first.url}",
                f"sendgrid://key@default?base_url={second.url}",
            ],
            from_email="shop@example.com",
        )

        receipt = mailer.send(to="ann@example.com", subject="Hello", text="Hi")

        assert "sendgrid" == receipt.provider
        mailer.close()

    def test_default(fault_server):
        assert "generic" == fault_server().dialect.name
"""


CHAOS = """
    import pytest

    from mailfailover import AllProvidersFailed, Mailer

    def test_vendor(chaos):
        mailer = Mailer(chaos.dsn("brevo"), from_email="shop@example.com")
        chaos.fail("brevo", "refuse")
        with pytest.raises(AllProvidersFailed):
            mailer.send(to="ann@example.com", subject="Hello", text="Hi", timeout=0.2)
        assert () == chaos.mails()
        chaos.heal("brevo")
        mailer.send(to="ann@example.com", subject="Hello", text="Hi")

        assert ["Hello"] == [mail.subject for mail in chaos.mails("brevo")]
        mailer.close()
"""


def _run(pytester: pytest.Pytester, code: str) -> pytest.RunResult:
    pytester.makepyfile(code)
    return pytester.runpytest_subprocess("-p", "no:cacheprovider")


def test_a_mailbox_keeps_what_its_mailer_sends(pytester: pytest.Pytester) -> None:
    """
    The fixture is there without anything being configured.
    """
    _run(pytester, MAILBOX).assert_outcomes(passed=2)


def test_chaos_is_every_vendor(pytester: pytest.Pytester) -> None:
    """
    Each on a port of its own, which it can close.
    """
    _run(pytester, CHAOS).assert_outcomes(passed=1)


def test_a_fault_server_fails_on_command(pytester: pytest.Pytester) -> None:
    """
    The fixture starts any number of vendors, and closes them.
    """
    _run(pytester, FAULT_SERVER).assert_outcomes(passed=2)


def test_a_run_that_asks_for_nothing_loads_nothing() -> None:
    """
    Beyond pytest and the standard library, the plugin imports the package's own name only.
    """
    code = (
        "import pytest, sys; before = {*sys.modules}; import mailfailover.pytest_plugin;"
        "print(*sorted({*sys.modules} - before - {*sys.stdlib_module_names}))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "mailfailover mailfailover.pytest_plugin\n" == done.stdout
