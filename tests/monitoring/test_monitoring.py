"""
Holds the alert rules and the dashboard against what is really told, by Prometheus itself.

Debian's package ``prometheus`` has both programs; where they are missing these tests skip.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from mailfailover import Mailer, SilentOutage
from mailfailover.prometheus import PrometheusObserver
from mailfailover.testing import FaultServer
from tests.programs import ROOT, chain_of, free_port, programs, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DOCS = ROOT / "docs" / "monitoring"
HERE = Path(__file__).parent
NAME = re.compile(r"mailfailover_[a-z_]+")
# What only the service tells, which has tests of its own.
OF_THE_SERVICE = {
    "mailfailover_outbox_mails",
    "mailfailover_outbox_oldest_seconds",
    "mailfailover_outbox_ready",
    "mailfailover_outbox_up",
    "mailfailover_requests_total",
}
SECONDS = 90.0


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed; Debian's package is prometheus")
    return found


def _expressions() -> list[str]:
    board = json.loads((DOCS / "dashboard.json").read_text("utf-8"))
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


def _told() -> set[str]:
    """
    The names of everything that an observer tells.
    """
    registry = CollectorRegistry()
    observer = PrometheusObserver(registry)
    mailer = Mailer("null://", from_email="shop@example.com", observers=[observer])
    observer.watch(mailer)
    mailer.send(to="ann@example.org", text="Hi")
    observer(SilentOutage("null", 0.1, 0.9, 100, 60.0))
    text = generate_latest(registry).decode()
    counted = {"mailfailover_provider_downs_total", "mailfailover_delivery_state"}
    return {*NAME.findall(text)} | counted


@pytest.mark.parametrize("name", ["alerts.yml", "dashboard.json"])
def test_only_what_is_told_is_asked_for(name: str) -> None:
    """
    Neither an alert nor a panel waits for a metric that does not exist.
    """
    text = (DOCS / name).read_text("utf-8")

    assert {*NAME.findall(text)} - _told() - OF_THE_SERVICE == set()


def test_the_service_tells_the_rest() -> None:
    """
    The metrics of the service stand in its code by these names.
    """
    code = (ROOT / "mailfailover" / "service" / "metrics.py").read_text("utf-8")

    names = {name.removesuffix("_total") for name in OF_THE_SERVICE}
    assert {name for name in names if f'"{name}"' not in code} == set()


def test_every_alert_fires_when_it_should(tmp_path: Path) -> None:
    """
    Prometheus' own tool plays time series against the rules.
    """
    promtool = _program("promtool")
    shutil.copy(DOCS / "alerts.yml", tmp_path)
    shutil.copy(HERE / "alerts_test.yml", tmp_path)

    for command in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run(
            [promtool, *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )

        assert 0 == done.returncode, done.stdout + done.stderr


def test_every_alert_is_tested() -> None:
    """
    No rule is there that no time series makes fire.
    """
    alerts = re.findall(r"- alert: (\w+)", (DOCS / "alerts.yml").read_text("utf-8"))
    tests = (HERE / "alerts_test.yml").read_text("utf-8")

    fired = {
        name
        for name, rest in re.findall(r"alertname: (\w+)\n\s+exp_alerts:(.*)", tests)
        if "[]" not in rest
    }
    assert set(alerts) == fired


CONFIG = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [alerts.yml]
scrape_configs:
  - job_name: shop
    static_configs: [{targets: ["127.0.0.1:PORT"]}]
"""


@contextmanager
def _prometheus(directory: Path, target: int) -> Iterator[Callable[..., Any]]:
    """
    A Prometheus that scrapes *target*; calls its API.
    """
    program, port = _program("prometheus"), free_port()
    rules = (DOCS / "alerts.yml").read_text("utf-8")
    (directory / "alerts.yml").write_text(re.sub(r"for: \w+", "for: 1s", rules), "utf-8")
    (directory / "prometheus.yml").write_text(CONFIG.replace("PORT", str(target)), "utf-8")
    with (directory / "prometheus.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [
                program,
                "--config.file=prometheus.yml",
                f"--storage.tsdb.path={directory / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            cwd=directory,
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def ask(path: str, **query: str) -> Any:
        url = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                return json.load(response)["data"]
        except OSError:
            return {}

    try:
        yield ask
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(ask: Callable[[], Any]) -> Any:
    """
    Ask until something is answered.
    """
    deadline = time.monotonic() + SECONDS
    while not (found := ask()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return found


def test_prometheus_tells_of_a_vendor_that_died(tmp_path: Path) -> None:
    """
    The page's program runs, a vendor's key is revoked, the alert fires, and all panels are filled.
    """
    _program("prometheus")
    port = free_port()
    environ = {"PORT": str(port)}
    with FaultServer("mailgun") as first, FaultServer("sendgrid") as second:
        environ["MAILFAILOVER_DSN"] = chain_of(first, second)
        code = programs("monitoring")[-1]
        with (
            running(tmp_path, code, "shop.py", **environ),
            _prometheus(tmp_path, port) as ask,
        ):
            first.wait_for(1, SECONDS, accepted=True)
            first.fail("auth")

            def alerts() -> set[tuple[str, str]]:
                return {
                    (one["labels"]["alertname"], one["labels"].get("provider", ""))
                    for one in ask("alerts").get("alerts", ())
                    if one["state"] == "firing"
                }

            expected = {("MailProviderAccountRefused", "mailgun"), ("MailLastProvider", "")}
            _wait(lambda: expected <= alerts())
            fired = alerts()
            answers = [
                ask("query", query=one.replace("$__rate_interval", "1m")) for one in _expressions()
            ]

    assert expected <= fired
    assert all("result" in one for one in answers)
