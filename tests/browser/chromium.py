"""Headless Chromium, spoken to by its DevTools protocol: what a page shows, says and asks for."""

import base64
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
PATIENCE_S = 30


def found() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Page:
    """A tab. `requests` are the addresses it asked for, `said` what it wrote to its console."""

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(
            address, timeout=PATIENCE_S, suppress_origin=True
        )
        self._numbers = itertools.count(1)
        self.requests: list[str] = []
        self.said: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            self._note(message)

    def close(self) -> None:
        """Ends the talk; the browser lives on."""
        self._socket.close()

    def _note(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        match message["method"]:
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded":
                self.said.append(json.dumps(params)[:600])

    def look(self, *, width: int, dark: bool = False, height: int = 900) -> None:
        """How large the window is, and which scheme the reader prefers."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, path: Path) -> None:
        """Opens the file, and waits until its plots, if any, are drawn."""
        self.call("Page.navigate", url=path.as_uri())
        self.until("document.readyState === 'complete'")
        self.until("(window.Bokeh?.documents ?? []).every(one => one.is_idle)")

    def until(self, condition: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not self.value(condition):
            assert time.monotonic() < deadline, condition
            time.sleep(0.05)

    def value(self, expression: str) -> Any:
        """A JavaScript expression's value."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True,
                         awaitPromise=True)  # fmt: skip
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def point(self, x: float, y: float) -> None:
        """Moves the mouse there."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def picture(self, path: Path, *, whole: bool = True) -> None:
        data = self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))

    def print(self, path: Path) -> None:
        data = self.call("Page.printToPDF", printBackground=True, paperWidth=8.27,
                         paperHeight=11.69)["data"]  # fmt: skip
        path.write_bytes(base64.b64decode(data))


@contextmanager
def page(folder: Path) -> Iterator[Page]:
    """A tab of a browser of its own, whose profile is made anew in that folder."""
    program = found()
    assert program, "Chromium is missing: scripts/setup browser"
    command = [program, *FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"]
    with (folder / "chromium.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        tab = Page(_address(folder / "profile" / "DevToolsActivePort", process))
        try:
            yield tab
            tab.call("Browser.close")
        finally:
            tab.close()
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(file: Path, process: subprocess.Popen[bytes]) -> str:
    """Of the first tab, asked through the browser's own socket."""
    deadline = time.monotonic() + PATIENCE_S
    while not file.exists() or len(file.read_text().splitlines()) < 2:
        assert process.poll() is None, "Chromium ended at its start"
        assert time.monotonic() < deadline, "Chromium did not start"
        time.sleep(0.05)
    port, path = file.read_text().splitlines()
    root = f"ws://127.0.0.1:{port}"
    browser = websocket.create_connection(root + path, timeout=PATIENCE_S, suppress_origin=True)
    browser.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
    [tab] = [
        one for one in json.loads(browser.recv())["result"]["targetInfos"] if one["type"] == "page"
    ]
    browser.close()
    return f"{root}/devtools/page/{tab['targetId']}"
