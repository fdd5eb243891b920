"""Settings by environment and labels, and the configuration that they make."""

import pytest

from harness.follower.configuration import (
    base_of,
    marker,
    rendered,
    replace_file,
    servers,
    template,
)
from harness.follower.follow import service_of
from harness.follower.model import FollowerError
from harness.follower.settings import PoolSettings, settings_of


def made(labels=None, **environment):
    return settings_of(environment, labels or {})


def lines(**environment):
    return [line.strip() for line in template(made(**environment)).splitlines()]


def test_the_defaults_follow_the_website():
    [pool] = made().pools
    assert pool == PoolSettings(service="website")


def test_a_pools_setting_is_the_environments_for_it_then_its_labels_then_everyones():
    labels = {"shop": {"harness.follow.BALANCE": "leastconn", "harness.follow.PORT": "3000"}}
    settings = made(
        labels,
        SERVICES="shop, blog",
        BALANCE="source",
        BLOG_BALANCE="random(3)",
        BLOG_VIRTUAL_HOST="b.example",
    )
    shop, blog = settings.pools
    assert (shop.balance, shop.port, blog.balance) == ("leastconn", 3000, "random(3)")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"SERVICES": " , "}, "SERVICES: it names none"),
        ({"SERVICES": "a b"}, "'a b' is no service's name"),
        ({"BALANCE": "fair"}, r"BALANCE: 'fair' is not one of HAProxy's; choose one of: roundr"),
        ({"MAXCONN": "many"}, "MAXCONN: 'many' is no whole number from 1"),
        ({"SLOTS": "1"}, "SLOTS: '1' is no whole number from 2"),
        ({"PORT": "70000"}, "PORT: '70000'"),
        ({"STATS_AUTH": "admin"}, "STATS_AUTH: it is no `user:password`"),
        ({"FORCE_SSL": "maybe"}, "FORCE_SSL: 'maybe' is neither"),
        ({"TIMEOUT": "server"}, "TIMEOUT: 'server' is no name and a time"),
        ({"EXTRA_SETTINGS": "a\nbind :80"}, "EXTRA_SETTINGS: it has more than one line"),
        ({"HTTP_CHECK": "ready"}, "HTTP_CHECK: 'ready' is no method and path"),
        ({"VIRTUAL_HOST": "a b"}, "VIRTUAL_HOST: 'a b' is no host"),
        ({"SERVICES": "a,b"}, "VIRTUAL_HOST: a, b have none"),
        ({"TEMPLATE": "global\n"}, "TEMPLATE: it has no line '    # Servers of website, as of no"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(setting, message):
    with pytest.raises(FollowerError, match=message):
        template(made(**setting))


def test_timeouts_that_are_set_replace_their_own_defaults_alone():
    found = [line for line in lines(TIMEOUT="server 20s, tunnel 1h") if line.startswith("timeout")]
    assert found[:4] == [
        "timeout connect 250ms", "timeout client 60s", "timeout server 20s", "timeout tunnel 1h",
    ]  # fmt: skip


def test_options_cookie_and_extra_lines_stand_in_their_sections():
    found = lines(
        OPTION="redispatch, dontlognull",
        COOKIE="SRV insert indirect nocache",
        EXTRA_SETTINGS=r"http-response add-header X-A a\,b, fullconn 20",
        EXTRA_GLOBAL_SETTINGS="nbthread 2",
        SLOWSTART="2s",
    )
    for line in (
        "option redispatch",
        "option dontlognull",
        "cookie SRV insert indirect nocache",
        "http-response add-header X-A a,b",
        "fullconn 20",
    ):
        assert line in found
    assert found.index("nbthread 2") < found.index("defaults")
    [plain] = [line for line in found if line.startswith("default-server")]
    assert plain.endswith(" slowstart 2s")
    [pool] = made(COOKIE="SRV insert").pools
    assert servers(pool, {"slot1": "10.0.0.1:8000"})[0].endswith("10.0.0.1:8000 check cookie slot1")


def test_a_check_is_read_in_haproxys_old_way_too():
    assert "http-check send meth GET uri /ready" in lines()
    assert 'http-check send meth HEAD uri / ver HTTP/1.1 hdr Host "www.example.com"' in lines(
        HTTP_CHECK=r"HEAD / HTTP/1.1\r\nHost:\ www.example.com"
    )
    assert not [line for line in lines(HTTP_CHECK="") if "httpchk" in line]


def test_virtual_hosts_choose_a_pool_the_weightier_first():
    found = lines(
        SERVICES="web,api,rest",
        WEB_VIRTUAL_HOST="*.example.com",
        API_VIRTUAL_HOST="https://api.example.com/v1/*",
        API_VIRTUAL_HOST_WEIGHT="5",
    )
    chosen = [line for line in found if line.startswith(("use_backend", "default_backend"))]
    assert chosen == [
        (
            r"use_backend api if { req.hdr(host),field(1,:),lower -m reg ^api\.example\.com$ } "
            r"{ path -m reg ^/v1/.*$ } { req.hdr(X-Forwarded-Proto) -i https }"
        ),
        r"use_backend web if { req.hdr(host),field(1,:),lower -m reg ^.*\.example\.com$ }",
        "default_backend rest",
    ]


def test_tls_is_the_edges_and_can_be_forced():
    assert [line for line in lines(FORCE_SSL="true") if "redirect scheme https" in line]
    assert not [line for line in lines() if "redirect" in line]


def test_statistics_are_shown_to_who_has_the_password_alone():
    assert "listen stats" not in lines()
    found = lines(STATS_AUTH="me:secret", STATS_PORT="9000")
    assert found[found.index("listen stats") :] == [
        "listen stats", "bind :9000", "stats enable", "stats uri /", "stats auth me:secret",
    ]  # fmt: skip


def test_the_configuration_names_those_that_serve_and_has_a_place_for_more():
    settings = made(SLOTS="3")
    [pool] = settings.pools
    text = rendered(template(settings), {"website": servers(pool, {"slot2": "10.0.0.7:8000"})})
    below = text.splitlines()
    place = below.index(marker("website"))
    assert below[place + 1 : place + 4] == [
        "    server slot1 0.0.0.0:8000 check disabled",
        "    server slot2 10.0.0.7:8000 check",
        "    server slot3 0.0.0.0:8000 check disabled",
    ]


def test_it_says_which_settings_made_it_whoever_serves():
    settings = made()
    [pool] = settings.pools
    none, one = (
        rendered(template(settings), {"website": servers(pool, ready)})
        for ready in ({}, {"slot1": "10.0.0.1:8000"})
    )
    other = rendered(template(made(BALANCE="leastconn")), {"website": servers(pool, {})})
    assert base_of(none) == base_of(one) != base_of(other)
    assert base_of("global\n") == base_of("") == ""


def test_the_file_is_replaced_wholly(tmp_path):
    path = tmp_path / "haproxy.cfg"
    replace_file(path, "one\n")
    replace_file(path, "two\n")
    assert path.read_text() == "two\n"
    assert [each.name for each in tmp_path.iterdir()] == ["haproxy.cfg"]


@pytest.mark.parametrize(
    ("labels", "service"),
    [
        ({}, ""),
        ({"com.docker.compose.service": "web"}, "web"),
        ({"com.docker.compose.service": "web", "com.docker.compose.oneoff": "True"}, ""),
        ({"com.docker.compose.service": "web", "com.docker.compose.oneoff": "False"}, "web"),
        (
            {"com.docker.swarm.service.name": "shop_web", "com.docker.stack.namespace": "shop"},
            "web",
        ),
        ({"com.docker.swarm.service.name": "web"}, "web"),
        ({"harness.follow": "website", "com.docker.compose.service": "web"}, "website"),
    ],
)
def test_a_containers_service_is_its_label_composes_or_swarms(labels, service):
    assert service_of(labels) == service
