from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mailfailover import errors
from mailfailover.cli.exits import EXIT_CODES, exit_code
from tests.cli.running import KEY, MAIL, dsn_of, process, run
from tests.samples import each

if TYPE_CHECKING:
    from mailfailover.testing import FaultServer


def test_module_is_the_command() -> None:
    """
    ``python -m mailfailover`` runs the command, which tells its version.
    """
    done = process("--version")

    assert ("mailfailover, version 0.1.0\n", "", 0) == (done.stdout, done.stderr, done.returncode)


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_missing_extra_is_named(missing: str) -> None:
    """
    Without click or rich the command prints how to install them, and no traceback.
    """
    code = (
        f"import sys; sys.modules[{missing!r}] = None; import mailfailover.__main__ as m; m.main()"
    )

    done = process(code=code)

    line = f'mailfailover: the command line needs {missing}: pip install "mailfailover[cli]"\n'
    assert (2, "", line) == (done.returncode, done.stdout, done.stderr)


def test_output_survives_a_poor_encoding() -> None:
    """
    What the terminal's encoding cannot show is written as an escape, and JSON stays JSON.
    """
    dry = ("send", "--dsn", f"sendgrid://{KEY}@default", "--dry-run", *MAIL[:-1], "5 €")

    text = process(*dry, PYTHONIOENCODING="latin-1")
    data = process(*dry, "--json", PYTHONIOENCODING="latin-1")

    assert r"5 \u20ac" in text.stdout
    assert "5 €" in json.loads(data.stdout)["request"]["body"]


def test_interruption_has_its_own_code(vendor: FaultServer) -> None:
    """
    Ctrl-C ends with 130 and says what may have happened.
    """
    vendor.fail("hang_after_read")

    command = subprocess.Popen(
        [sys.executable, "-m", "mailfailover", "send", "--dsn", dsn_of(vendor), *MAIL],
        stderr=subprocess.PIPE,
        text=True,
        # Under a shell's background job Ctrl-C is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    with command:
        vendor.wait_for(1, timeout=30)
        command.send_signal(signal.SIGINT)
        _, text = command.communicate(timeout=30)

    wanted = "mailfailover: interrupted; a mail on its way may have been sent\n"
    assert (130, wanted) == (command.returncode, text)


@each(
    ("error", "code"),
    [
        (errors.ConfigurationError(), 2),
        (errors.InvalidMessage(), 1),
        (errors.RecipientRejected(), 1),
        (errors.UnsupportedFeature(), 1),
        (errors.OutcomeUnknown(), 3),
        (errors.AllProvidersFailed(), 75),
    ],
)
def test_every_error_has_an_exit_code(error: errors.MailFailoverError, code: int) -> None:
    """
    The code tells a caller whether to correct, to look, or to try again.
    """
    assert code == exit_code(error)


@pytest.mark.parametrize("command", [(), ("send",)], ids=["group", "send"])
def test_help_has_the_exit_codes(command: tuple[str, ...]) -> None:
    """
    The help documents every exit code, each on a line of its own.
    """
    lines = run(*command, "--help").stdout.splitlines()

    assert [f"    {code:>3}  {text}" for code, text in EXIT_CODES.items()] == lines[-6:]
