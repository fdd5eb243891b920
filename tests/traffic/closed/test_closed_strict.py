"""What hides failures in Locust's clients is off, and the trial of it notices each that is not.

In processes of their own: importing Locust patches the standard library.
"""

import subprocess
import sys

import pytest

SWITCHES = {
    "resends": (
        "client._may_retry_after_send_error, connectionpool.ConnectionPool.__init__ = kept[:2]",
        "FastHttpSession asked 3 times where it was to ask once (/closed)",
    ),
    "cut headers": (
        "http.client._read_headers = kept[2]",
        "HttpSession calls an answer that breaks off a success (/cut-head)",
    ),
}


def tried(undo: str = "", before: str = "") -> str:
    code = f"""
import locust
import http.client
import requests.adapters
from geventhttpclient import client, connectionpool
from harness.traffic.closed import strict
kept = (
    client._may_retry_after_send_error,
    connectionpool.ConnectionPool.__init__,
    http.client._read_headers,
)
{before}
strict.make_strict()
{undo}
try:
    strict.try_out()
except strict.HidesFailuresError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


def test_both_clients_ask_once_and_report_each_ending():
    assert tried() == ""


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_that_is_not_off_is_noticed(switch):
    undo, told = SWITCHES[switch]
    assert tried(undo) == told


def test_retries_that_a_locustfile_mounts_are_off():
    mounts = """
from urllib3.util.retry import Retry
made = requests.adapters.HTTPAdapter.__init__
def init(self, *given, **named):
    made(self, *given, **named)
    self.max_retries = Retry(5, status_forcelist=[503])
requests.adapters.HTTPAdapter.__init__ = init
"""
    assert tried(before=mounts) == ""
    unpatched = "requests.adapters.HTTPAdapter.send = sent"
    kept = f"sent = requests.adapters.HTTPAdapter.send\n{mounts}"
    assert "HttpSession asked 6 times" in tried(unpatched, before=kept)
