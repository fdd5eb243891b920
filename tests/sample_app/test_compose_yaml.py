"""compose.yaml and docs/follow-the-post.md: what they promise, without an engine."""

import re
from pathlib import Path

import pytest
import yaml  # bokeh's own dependency
from typed import CONTAINER, NEW_TEXT, OLD_TEXT, commands, edit, round_of_commands

from harness.follower.settings import settings_of

APP = Path(__file__).parents[2] / "sample_app"
PROJECT = yaml.safe_load((APP / "compose.yaml").read_text("utf-8"))
SERVICES = PROJECT["services"]
WEBSITE = SERVICES["website"]
FOLLOWER = SERVICES["follower"]["environment"]
NGINX = (APP / "nginx.conf").read_text("utf-8")
OURS = {name: service for name, service in SERVICES.items() if "build" in service}


def seconds(text):
    return float(re.fullmatch(r"(\d+(?:\.\d+)?)s", text)[1])


def targets(service):
    """Where its mounts lead to, by what is mounted."""
    pairs = (mount.split(":")[:2] for mount in service.get("volumes", ()))
    return dict(pairs)


def test_the_edge_alone_is_published_and_on_loopback_alone():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(published) == ["edge"]
    assert all(port.startswith("127.0.0.1:") for port in published["edge"])
    assert not any(service.get("network_mode") == "host" for service in SERVICES.values())


def test_the_engines_socket_is_mounted_into_the_filter_alone():
    mounted = [
        name
        for name, service in SERVICES.items()
        if any("docker.sock" in source for source in targets(service))
    ]
    assert mounted == ["engine-filter"]
    assert SERVICES["engine-filter"]["network_mode"] == "none"
    assert not any(service.get("privileged") for service in SERVICES.values())


def test_the_filters_socket_is_the_followers_and_nobody_elses():
    mounted = [name for name, service in SERVICES.items() if "engine" in targets(service)]
    assert mounted == ["follower", "engine-filter"]
    assert {targets(SERVICES[name])["engine"] for name in mounted} == {"/run/engine"}


def test_balancer_and_follower_share_the_folder_of_haproxys_sockets():
    mounted = [name for name, service in SERVICES.items() if "balancer" in targets(service)]
    assert mounted == ["balancer", "follower"]
    assert {targets(SERVICES[name])["balancer"] for name in mounted} == {"/run/harness"}


def test_a_stopped_website_has_the_time_it_takes():
    """What it lingers and what it finishes, in all shorter than the engine's patience."""
    lingers_s = float(WEBSITE["environment"]["LINGER_S"])
    finishes_s = float(WEBSITE["environment"]["GRACE_S"])
    assert lingers_s + finishes_s < seconds(WEBSITE["stop_grace_period"])


def test_the_website_is_the_image_that_is_built_by_hand():
    assert WEBSITE["image"] == "webapp-sample"
    assert WEBSITE["pull_policy"] == "never"
    assert "build" not in WEBSITE
    assert "container_name" not in WEBSITE  # or there could be no second one
    assert "docker build -t webapp-sample ." in commands("Bring it up")


def test_containers_are_called_as_the_page_calls_them():
    assert f"{PROJECT['name']}-website-1" == CONTAINER
    assert FOLLOWER["SERVICES"] == "website"


def test_the_algorithm_is_set_here_as_in_the_post():
    assert FOLLOWER["BALANCE"] == "roundrobin"


def test_the_follower_takes_these_settings():
    [pool] = settings_of(FOLLOWER, {}).pools
    assert pool.balance == "roundrobin"
    assert pool.extra == (FOLLOWER["EXTRA_SETTINGS"],)


def test_who_is_draining_still_passes_the_check_and_who_is_not_ready_does_not():
    expected = FOLLOWER["EXTRA_SETTINGS"].removeprefix("http-check expect rstring ")
    source = (APP / "website.py").read_text("utf-8")
    words = {"ready": True, "draining": True, "not ready": False}
    for said, passes in words.items():
        assert f'"{said}"' in source
        assert bool(re.match(expected, said)) is passes


@pytest.mark.parametrize("name", OURS)
def test_each_image_of_ours_is_built_from_a_folder_of_this_checkout(name):
    context = (APP / OURS[name]["build"]["context"]).resolve()
    assert (context / "Dockerfile").read_text("utf-8").count("ARG BASE=debian:trixie-slim") == 1
    assert OURS[name]["build"]["args"] == {"BASE": "${HARNESS_BASE:-debian:trixie-slim}"}
    assert OURS[name]["image"].startswith("harness-")


def test_proxies_are_told_to_finish_what_is_in_flight():
    assert SERVICES["balancer"]["stop_signal"] == "SIGUSR1"
    context = (APP / SERVICES["edge"]["build"]["context"]).resolve()
    assert "STOPSIGNAL SIGQUIT" in (context / "Dockerfile").read_text("utf-8")


def test_the_edge_neither_takes_its_one_peer_out_nor_sends_anything_twice():
    assert "server balancer:8080 max_fails=0;" in NGINX
    assert "proxy_next_upstream off;" in NGINX
    assert NGINX.count("keepalive_requests 1000000000;") == 2


def test_the_page_types_what_the_post_types():
    assert commands("Bring it up") == [
        "cd sample_app",
        "docker build -t webapp-sample .",
        "docker compose up -d",
        "curl http://localhost:8080",
    ]
    assert round_of_commands()[1:] == [
        "docker build -t webapp-sample .",
        "docker compose up -d --scale website=2 --no-recreate",
        "docker ps",
        f"docker stop {CONTAINER}",
        "curl http://localhost:8080",
        f"docker rm {CONTAINER}",
    ]


def test_the_pages_edit_makes_the_posts_change():
    source = (APP / "content.py").read_text("utf-8")
    old, new = edit()
    texts = []
    for text in (source, source.replace(old, new), source.replace(old, new).replace(new, old)):
        names = {"__name__": "content"}
        exec(compile(text, "content.py", "exec"), names)
        texts.append(names["greeting"]("v1"))
    assert texts == [OLD_TEXT, NEW_TEXT, OLD_TEXT]
    assert source.count(old) == 1
