"""docs/follower.md: the settings that there are, and what became of those that there were."""

import re
from pathlib import Path

import pytest

from harness.follower.settings import PoolSettings, Settings, settings_of

PAGE = Path(__file__).parents[2] / "docs" / "follower.md"

OF_THE_BALANCER = (
    "ADDITIONAL_BACKEND_<NAME>", "ADDITIONAL_BACKEND_FILE_<NAME>", "ADDITIONAL_SERVICES",
    "BALANCE", "CA_CERT", "CA_CERT_FILE", "CERT_FOLDER", "DEFAULT_SSL_CERT",
    "EXTRA_BIND_SETTINGS", "EXTRA_DEFAULT_SETTINGS", "EXTRA_DEFAULT_SETTINGS_FILE",
    "EXTRA_FRONTEND_SETTINGS_<PORT>", "EXTRA_FRONTEND_SETTINGS_FILE_<PORT>",
    "EXTRA_GLOBAL_SETTINGS", "EXTRA_GLOBAL_SETTINGS_FILE", "EXTRA_ROUTE_SETTINGS",
    "EXTRA_SSL_CERTS", "FORCE_DEFAULT_BACKEND", "HAPROXY_GROUP", "HAPROXY_USER", "HEALTH_CHECK",
    "HTTP_BASIC_AUTH", "HTTP_BASIC_AUTH_SECURE", "MAXCONN", "MODE", "MONITOR_PORT",
    "MONITOR_URI", "NBPROC", "OPTION", "RELOAD_TIMEOUT", "RSYSLOG_DESTINATION",
    "SKIP_FORWARDED_PROTO", "SSL_BIND_CIPHERS", "SSL_BIND_OPTIONS", "STATS_AUTH", "STATS_PORT",
    "TIMEOUT",
)  # fmt: skip
OF_A_SERVICE = (
    "APPSESSION", "BALANCE", "COOKIE", "DEFAULT_SSL_CERT", "EXCLUDE_BASIC_AUTH",
    "EXCLUDE_PORTS", "EXTRA_ROUTE_SETTINGS", "EXTRA_SETTINGS", "FAILOVER", "FORCE_SSL",
    "GZIP_COMPRESSION_TYPE", "HEALTH_CHECK", "HSTS_MAX_AGE", "HTTP_CHECK", "OPTION",
    "SERVICE_PORTS", "SSL_CERT", "TCP_PORTS", "VIRTUAL_HOST", "VIRTUAL_HOST_WEIGHT",
)  # fmt: skip
"""Of dockercloud/haproxy, as its README lists them (docker-archive/dockercloud-haproxy)."""


class Asked(dict):
    """An environment that notes what it is asked for."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __contains__(self, name):
        self.names.add(name)
        return super().__contains__(name)

    def get(self, name, default=None):
        self.names.add(name)
        return super().get(name, default)


def rows(head):
    """Cells of each row of the table whose first column is called that, by the names in it."""
    found, is_there = {}, False
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line[:1] == "|" else []
        is_there = bool(cells) and (is_there or cells[0] == head)
        if is_there:
            found |= dict.fromkeys(re.findall(r"`([A-Z][^`]*)`", cells[0]), cells[1:])
    return found


def test_the_page_has_every_setting_of_the_code_and_no_other():
    asked = Asked()
    settings_of(asked, {})
    assert set(rows("setting")) == {name for name in asked.names if not name.startswith("WEBSITE_")}


def test_those_that_may_be_said_for_one_service_are_marked():
    asked = Asked()
    settings_of(asked, {})
    own = {name.removeprefix("WEBSITE_") for name in asked.names if name.startswith("WEBSITE_")}
    marked = re.findall(r"^\| `([A-Z_]+)` \*each\*", PAGE.read_text("utf-8"), re.MULTILINE)
    assert set(marked) == own


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLOTS", PoolSettings(service="x").slots),
        ("BALANCE", PoolSettings(service="x").balance),
        ("HEALTH_CHECK", PoolSettings(service="x").health_check),
        ("HTTP_CHECK", PoolSettings(service="x").http_check),
        ("VIRTUAL_HOST_WEIGHT", PoolSettings(service="x").virtual_host_weight),
        ("MAXCONN", Settings(pools=()).maxconn),
        ("OPTION", ", ".join(Settings(pools=()).options)),
        ("TIMEOUT", ", ".join(Settings(pools=()).timeouts)),
        ("STATS_PORT", Settings(pools=()).stats_port),
        ("ENGINE", Settings(pools=()).engine),
        ("FOLDER", Settings(pools=()).folder),
    ],
)
def test_a_default_is_the_codes(name, value):
    assert rows("setting")[name][0] == f"`{value}`"


@pytest.mark.parametrize(
    ("head", "names"), [("of the balancer", OF_THE_BALANCER), ("of a service", OF_A_SERVICE)]
)
def test_it_says_of_each_setting_that_there_was_what_became_of_it(head, names):
    found = rows(head)
    assert set(names) <= set(found)
    for name in names:
        fate, why = found[name]
        assert fate in {"kept", "renamed", "gone"}, name
        assert why or fate == "kept", name


def test_what_is_said_to_be_kept_is_a_setting():
    for head in ("of the balancer", "of a service"):
        kept = {name for name, cells in rows(head).items() if cells[0] == "kept"}
        assert kept <= set(rows("setting"))
