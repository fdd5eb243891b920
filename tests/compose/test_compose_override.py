"""The file that is laid over the user's: whose all is, and what keeps it apart."""

import json

from projects import DIRECT, PROXIED

from harness.stack.compose.override import changes, override
from harness.stack.compose.project import Front, project_of

FRONT = Front(service="front", port=80)
LABELS = {"zero-downtime-harness": "X"}


def laid_over(told, *, image="", front=FRONT):
    """By (section, key): its lines by their first word."""
    text = override(
        project_of(told), front=front, front_port=4711, service="website", image=image,
        labels=LABELS,
    )  # fmt: skip
    found, section, key = {}, "", ""
    for line in text.splitlines():
        depth = len(line) - len(line.lstrip())
        name, _, rest = line.strip().partition(":")
        if depth == 0:
            section = name
        elif depth == 2:
            key = json.loads(name)
            found[section, key] = json.loads(rest) if rest.strip() else {}
        else:
            found[section, key][name] = rest.strip()
    return found


def ports(line):
    assert line.startswith("!override ")
    return json.loads(line.removeprefix("!override "))


def test_each_object_carries_our_labels_and_a_name_of_the_projects_own():
    found = laid_over(PROXIED)
    for name in ("front", "store", "website"):
        assert json.loads(found["services", name]["labels"]) == LABELS
    assert found["networks", "default"] == {"name": "harness-x_default", "labels": LABELS}
    assert found["volumes", "data"] == {"name": "harness-x_data", "labels": LABELS}


def test_ports_are_on_loopback_and_only_the_fronts_is_fixed():
    found = laid_over(PROXIED)
    assert ports(found["services", "front"]["ports"]) == [
        {"target": 53, "protocol": "udp", "host_ip": "127.0.0.1"},
        {"target": 80, "protocol": "tcp", "host_ip": "127.0.0.1", "published": "4711"},
    ]
    assert "ports" not in found["services", "store"]


def test_an_engine_elsewhere_publishes_where_it_can_be_reached():
    text = override(
        project_of(PROXIED), front=FRONT, front_port=4711, service="website", image="",
        labels=LABELS, bind="0.0.0.0",
    )  # fmt: skip
    assert (text.count('"0.0.0.0"'), text.count('"127.0.0.1"')) == (2, 0)


def test_a_front_whose_port_was_not_published_is():
    found = laid_over(PROXIED, front=Front(service="website", port=8000))
    assert ports(found["services", "website"]["ports"])[0]["published"] == "4711"
    assert "published" not in json.dumps(ports(found["services", "front"]["ports"]))


def test_a_fixed_container_name_becomes_an_alias():
    store = laid_over(PROXIED)["services", "store"]
    assert store["container_name"] == "!reset null"
    assert json.loads(store["networks"]) == {"default": {"aliases": ["my-redis"]}}
    assert "container_name" not in laid_over(PROXIED)["services", "front"]


def test_an_image_of_ours_is_never_built_from_the_old_code():
    website = laid_over(PROXIED, image="my/app:2$")["services", "website"]
    assert website["image"] == '"my/app:2$$"'
    assert website["build"] == "!reset null"


def test_without_an_image_the_files_own_holds():
    website = laid_over(PROXIED)["services", "website"]
    assert not {"image", "build"} & set(website)


def test_an_image_that_is_named_after_the_project_is_ours():
    website = laid_over(DIRECT, front=Front(service="website", port=8000))["services", "website"]
    assert json.loads(website["build"]) == {"labels": LABELS}


def test_an_external_volume_is_not_named():
    told = PROXIED | {"volumes": {"data": {"name": "precious", "external": True}}}
    assert ("volumes", "data") not in laid_over(told)


def test_what_does_not_hold_of_the_file_is_recorded():
    assert list(changes(project_of(PROXIED))) == [
        "front: ports of the run's own",
        "store: container_name my-redis is an alias",
        "data: name precious is harness-x_data",
    ]
