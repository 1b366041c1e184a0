"""
A real Chromium without a screen.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selenium.webdriver import ActionChains, Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver.remote.webelement import WebElement

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
MISSING = "" if CHROMIUM and DRIVER else "neither Chromium nor its driver is installed"
"""Why there is no browser, "" where there is one."""

PICTURES = os.environ.get("MAILFAILOVER_SCREENSHOTS", "")
"""A directory in which screenshots are kept for a person to look at."""

_OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # tests may run as root, and see our own pages only
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--no-first-run",
)


class Browser:
    """
    A browser in the hands of a test.
    """

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def look(self, *, width: int = 1200, height: int = 900, scheme: str = "light") -> None:
        """
        Take a screen of this size, and the colours that its user prefers.
        """
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.command("Emulation.setDeviceMetricsOverride", **screen)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.command("Emulation.setEmulatedMedia", features=[feature])

    def open(self, url: str) -> None:
        """
        Go to a page.
        """
        self.driver.get(url)

    def command(self, name: str, **arguments: Any) -> Any:
        """
        Give a command of the DevTools protocol.
        """
        return self.driver.execute_cdp_cmd(name, arguments)

    def run(self, script: str) -> Any:
        """
        Return what a script in the page returns.
        """
        return self.driver.execute_script(script)

    def find(self, selector: str) -> WebElement:
        """
        Return the first element, waiting for it.
        """
        found: WebElement = self.wait(lambda: self.all(selector))[0]
        return found

    def all(self, selector: str) -> list[WebElement]:
        """
        Return every element that is there now.
        """
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """
        Return the text of the first element, "" where there is none; it may be renewed meanwhile.
        """
        return str(self.run(f"return document.querySelector({selector!r})?.innerText ?? ''"))

    def wait(self, what: Any) -> Any:
        """
        Wait until *what* returns something.
        """
        return WebDriverWait(self.driver, 60, 0.05).until(lambda _: what())

    def press(self, *keys: str) -> None:
        """
        Press keys, wherever the focus is.
        """
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def focused(self, selector: str) -> bool:
        """
        Tell whether what is selected has the focus.
        """
        return bool(self.run(f"return document.activeElement.matches({selector!r})"))

    def picture(self, name: str) -> None:
        """
        Keep a screenshot, where somebody wants them.
        """
        if PICTURES:
            Path(PICTURES).mkdir(exist_ok=True)
            self.driver.save_screenshot(str(Path(PICTURES, f"{name}.png")))

    def complaints(self) -> list[str]:
        """
        Return what the browser's console said since it was asked last.
        """
        return [entry["message"] for entry in self._log("browser")]

    def hosts(self) -> set[str]:
        """
        Return every host that was asked for anything since this was asked last.
        """
        found = set()
        for entry in self._log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                scheme, _, rest = message["params"]["request"]["url"].partition("://")
                if scheme.startswith(("http", "ws")):
                    found.add(rest.partition("/")[0])
        return found

    def barriers(self) -> list[str]:
        """
        Return what axe-core finds that keeps people from using the page.
        """
        self.run(files("axe_core_python").joinpath("axe.min.js").read_text("utf-8"))
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run({iframes: false}).then(r => done(r.violations), e => done(String(e)))"
        )
        return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found]

    def _log(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.driver.get_log(name)  # type: ignore[no-untyped-call]  # it is not annotated
        return found


@contextmanager
def browsing() -> Iterator[Browser]:
    """
    Start a browser with an empty profile.
    """
    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for option in _OPTIONS:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(DRIVER))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
