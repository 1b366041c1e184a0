from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from mailfailover.cli.doctor import check_extras
from mailfailover.cli.finding import Finding
from mailfailover.testing import FaultServer
from tests.cli.running import KEY, dsn_of, install_plugin, process, run

if TYPE_CHECKING:
    from pathlib import Path


def examine(*arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
    """
    Return the exit code and the findings, by subject.
    """
    done = run("doctor", "--json", *arguments)
    return done.exit_code, {one["subject"]: one for one in json.loads(done.stdout)["findings"]}


def test_healthy_set_up_has_no_problem(vendor: FaultServer) -> None:
    """
    With two providers that answer nothing is a problem, and the exit code is 0.
    """
    chain = f"failover({dsn_of(vendor, 'one')}&from_email=a@example.com null://?from_email=a@example.com)"

    code, found = examine("--dsn", chain)

    assert 0 == code
    assert {"ok", "note"} >= {one["severity"] for one in found.values()}
    assert "--dsn: failover(one null)" == found["configuration"]["text"]
    assert found["ping one"]["text"].startswith("answered in 0.")


def test_text_has_the_remedy(vendor: FaultServer) -> None:
    """
    Each finding is a line with its severity, and a line with what to do.
    """
    vendor.fail("auth")

    done = run("doctor", "--dsn", dsn_of(vendor))

    assert 1 == done.exit_code
    assert "problem  ping sendgrid: AuthenticationFailed after 0.0" in done.stdout
    assert "         -> check the key and its permissions\n" in done.stdout
    assert KEY not in done.output


def test_nothing_configured_is_a_problem() -> None:
    """
    The first thing that a new user asks has an answer.
    """
    code, found = examine()

    assert (1, "problem") == (code, found["configuration"]["severity"])
    assert found["configuration"]["text"].startswith("the environment: no provider is configured")
    assert "mailfailover init" in found["configuration"]["remedy"]


@pytest.mark.parametrize("variable", ["MAILFAILOVER_DSN", "MAILFAILOVER_DSN_FILE"])
def test_variable_that_counts_is_named(
    variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    The source of the configuration is the variable, not just the environment.
    """
    file = tmp_path / "dsn"
    file.write_text("null://")
    file.chmod(0o600)
    monkeypatch.setenv(variable, str(file) if variable.endswith("FILE") else "null://")

    _, found = examine()

    assert f"{variable}: failover(null)" == found["configuration"]["text"]


def test_lonely_provider_is_a_warning() -> None:
    """
    A chain of one has nobody to fail over to, which is no problem yet.
    """
    code, found = examine("--dsn", "null://")

    assert 0 == code
    assert {
        "severity": "warning",
        "subject": "chain",
        "text": "null is alone: when it fails, there is nobody to fail over to",
        "remedy": "add a second provider",
        "link": "",
    } == found["chain"]
    assert "note" == found["sender"]["severity"]


def test_unreachable_network_is_told_apart() -> None:
    """
    When no provider can be reached, it is rather this machine's network.
    """
    with FaultServer("sendgrid") as one, FaultServer("sendgrid") as two:
        one.stop()
        two.stop()
        code, found = examine("--dsn", f"failover({dsn_of(one, 'one')} {dsn_of(two, 'two')})")

    assert 1 == code
    assert found["ping one"]["text"].startswith("ConnectionFailed after")
    assert "check this machine's network, DNS and firewall" == found["network"]["remedy"]


def test_hanging_provider_is_not_waited_for(vendor: FaultServer) -> None:
    """
    ``--timeout`` bounds the question to each provider.
    """
    vendor.fail("hang_after_read")

    code, found = examine("--dsn", dsn_of(vendor), "--timeout", "0.2")

    assert 1 == code
    assert found["ping sendgrid"]["text"].startswith("OutcomeUnknown after 0.2")


def test_provider_that_cannot_be_asked_is_a_note(tmp_path: Path) -> None:
    """
    A provider without a ping can only be tried with a mail.
    """
    code = "class Acme:\n    name = 'acme'\n    def send(self, message): pass\n"
    install_plugin(tmp_path, code)

    done = process("doctor", "--dsn", "acme://", PYTHONPATH=str(tmp_path))

    assert 0 == done.returncode
    assert "note     ping acme: it has no way to be asked\n" in done.stdout
    assert "or send a mail through it: mailfailover send --via acme\n" in done.stdout


def test_missing_extra_is_a_note() -> None:
    """
    What is not installed is named with the command that installs it.
    """
    requirements = (
        "requests>=2",
        "click>=8; extra == 'cli'",
        "no-such-thing>=1; extra == 'web'",
        "no-such-thing>=1; extra == 'all'",
    )

    assert [
        Finding("ok", "extra cli", "installed"),
        Finding(
            "note",
            "extra web",
            "no-such-thing not installed",
            'pip install "mailfailover[web]"',
        ),
    ] == list(check_extras(requirements))


def test_file_that_others_may_read_is_a_warning(tmp_path: Path) -> None:
    """
    A configuration with keys is for its owner's eyes.
    """
    run("init")
    config = tmp_path / "mailfailover.toml"
    closed = run("doctor", "--config", str(config)).stdout
    config.chmod(0o644)

    opened = run("doctor", "--config", str(config)).stdout

    assert "chmod" not in closed
    assert f"others may read {config} (644), and it may hold keys\n" in opened
    assert f"-> chmod 600 {config}\n" in opened


def test_missing_file_is_a_problem() -> None:
    """
    A file that is not there is one problem, with its name.
    """
    code, found = examine("--config", "none.toml")

    assert (1, "problem") == (code, found["configuration"]["severity"])
    assert found["configuration"]["text"].startswith("none.toml: ")


def test_broken_plugin_is_a_warning(tmp_path: Path) -> None:
    """
    It harms nobody until it is named, so the set-up is sound.
    """
    install_plugin(tmp_path)

    done = process("doctor", "--dsn", "null://", PYTHONPATH=str(tmp_path))

    assert 0 == done.returncode
    assert "warning  provider acme of acme-mail: importing it raised" in done.stdout
    assert "-> repair, upgrade or remove acme-mail\n" in done.stdout


def test_bounces_that_nobody_hears_are_a_note() -> None:
    """
    A mail server tells of a mail by a bounce only, and that needs an address.
    """
    home = "bounce_address=bounces.example.com&bounce_secret=sixteen-letters."

    deaf = run("doctor", "--dsn", "smtp://127.0.0.1:9?tls=none", "--timeout", "1")
    hearing = run("doctor", "--dsn", f"smtp://127.0.0.1:9?tls=none&{home}", "--timeout", "1")

    assert "nobody hears of the bounces of smtp" in deaf.stdout
    assert "bounces" not in hearing.stdout
