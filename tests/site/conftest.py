"""What runs of the command against a URL share."""

import signal
from collections.abc import Iterator

import pytest
import trustme

from harness import config


@pytest.fixture
def in_a_folder_of_its_own(tmp_path, monkeypatch) -> Iterator[None]:
    """The command writes to the folder that it is called in, and takes over signals."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("harness.report.html.html", lambda _history, _result: "<!DOCTYPE html>")
    (tmp_path / "release").write_text("v1\n")
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca(tmp_path, authority) -> str:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return "ca.pem"


@pytest.fixture
def impatient(monkeypatch) -> None:
    """An answer must be right within 0.3 s, not 5."""
    monkeypatch.setattr(config, "_URL_PATIENCE", dict.fromkeys(config._URL_PATIENCE, 0.3))
