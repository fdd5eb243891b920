"""A Compose project of another framework, server and proxy as the target, on a real engine.

`scripts/setup compose` installs what it needs.
"""

import json
import signal
import socket
from collections.abc import Callable

import docker
import pytest
import trustme
from running import Verify, harness
from shops import SHOP, front, left, website

pytestmark = [pytest.mark.engine, pytest.mark.alone]

SEEN = ("--service", "website", "--release", "header:X-Version", "--expect-text", "Welcome",
        "--rate", "100", "--after", "3.2", "--health", "/health",
        # What starts takes CPU from what serves: here it is judged what is dropped.
        "--limit-p99-margin", "2000")  # fmt: skip
SCALED = ("--swap", "scale-then-stop")
BY_HAND = """
set -e
old=$(docker compose ps -q website)
export SHOP_IMAGE={image}
docker compose up -d --no-deps --no-recreate --scale website=2 website
new=$(docker compose ps -q website | grep -v "$old")
until [ "$(docker inspect -f '{{{{.State.Health.Status}}}}' $new)" = healthy ]; do sleep 0.2; done
docker stop $old
docker rm $old
"""

Shop = Callable[..., Verify]


@pytest.fixture
def shop(engine: docker.DockerClient, verify, monkeypatch) -> Shop:
    """Starts `harness verify` of the shop, whose old release is 1 or has that fault."""
    monkeypatch.setenv("SHOP_FRONT", front(engine))

    def start(*options: str, file: str = "compose.yaml", fault: str = "") -> Verify:
        monkeypatch.setenv("SHOP_IMAGE", website(engine, "1", fault))
        return verify("--compose", str(SHOP / file), *SEEN, *options)

    return start


def of(engine: docker.DockerClient, release: str = "2", fault: str = "") -> tuple[str, str]:
    return ("--new-image", website(engine, release, fault))


def logs(run: Verify) -> dict[str, str]:
    folder = run.run_folder()
    assert folder is not None
    return {path.name: path.read_text() for path in (folder / "logs").iterdir()}


def test_a_swap_by_scaling_passes_there_and_back_beside_a_project_that_runs(engine, shop):
    """Its fixed port is taken, as by the team's own."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOP_PORT", str(taken.getsockname()[1]))
        run = shop(*SCALED, *of(engine), "--swaps", "2")
        run.wait_for("steady")
        project = f"harness-{run.name().lower()}"
        listing = engine.containers.list(filters={"label": f"com.docker.compose.project={project}"})
        bound = [b["HostIp"] for each in listing for p in each.ports.values() for b in p or ()]
        assert bound == ["127.0.0.1"]
        # A volume of the team's by that name would hold what it cannot lose.
        volumes = {volume.name for volume in engine.volumes.list()}
        assert f"{project}_goods" in volumes
        assert "shop-goods" not in volumes
        assert run.end() == 0, run.said()
    result = run.result()
    assert result["environment"]["path"] == "edge"
    assert "shop-front is an alias" in result["environment"]["compose_changes"]
    assert run.finding("replaced")["message"].count("1 to 2 to 1") == 1
    assert run.finding("alive")["verdict"] == "pass"
    names = [mark["name"] for mark in run.marks() if mark["kind"] == "step"]
    assert "stop website-1" in names
    assert sum("serving" in text for text in logs(run).values()) == 3
    assert left(engine, run.name()) == []


def test_a_front_that_speaks_https_in_a_second_file(engine, shop, tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(
        tmp_path / "shop.pem"
    )
    (tmp_path / "tls.cfg").write_text(
        "frontend secure\n    bind :8443 ssl crt /shop.pem\n    default_backend website\n"
    )
    files = ("tls.cfg", "shop.pem")
    front = {
        "volumes": [f"{tmp_path / name}:/{name}:ro" for name in files],
        "command": ["haproxy", "-W", "-db", "-f", "/haproxy.cfg", "-f", "/tls.cfg"],
    }
    (tmp_path / "tls.yaml").write_text(json.dumps({"services": {"front": front}}))
    both = f"{SHOP / 'compose.yaml'}:{tmp_path / 'tls.yaml'}"
    run = shop(*SCALED, *of(engine), "--front", "front:8443", "--tls", "--ca", "ca.pem", file=both)
    assert run.end() == 0, run.said()
    assert left(engine, run.name()) == []


def test_recreating_the_only_container_fails(engine, shop):
    run = shop("--swap", "recreate", *of(engine))
    assert run.end() == 1, run.said()
    assert run.finding("no_failed_request")["verdict"] == "fail"
    assert run.finding("swap_completed")["verdict"] == "pass"
    assert run.finding("replaced")["verdict"] == "pass"
    assert run.finding("alive")["verdict"] == "pass"
    assert left(engine, run.name()) == []


def test_a_service_that_is_its_own_front_keeps_its_port_when_it_is_recreated(engine, shop):
    run = shop("--swap", "recreate", *of(engine), file="alone.yaml")
    assert run.end() == 1, run.said()
    assert run.result()["environment"]["path"] == "published"
    assert run.finding("replaced")["verdict"] == "pass"
    assert left(engine, run.name()) == []


def test_a_command_that_is_right_passes(engine, shop, tmp_path):
    (tmp_path / "deploy.sh").write_text(BY_HAND.format(image=website(engine, "2")))
    run = shop("--deploy", "sh deploy.sh")
    assert run.end() == 0, run.said() + str(logs(run))
    assert left(engine, run.name()) == []


def test_a_command_that_is_wrong_fails(engine, shop):
    image = website(engine, "2")
    run = shop("--deploy", f"SHOP_IMAGE={image} docker compose up -d --no-deps website")
    assert run.end() == 1, run.said()
    assert run.finding("no_failed_request")["verdict"] == "fail"
    assert run.finding("swap_completed")["verdict"] == "pass"
    assert left(engine, run.name()) == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("exits", "website-2 ended with exit code 3 before it was ready; its last lines:"),
        ("unready", "website-2 was not healthy within 4 s; its healthcheck ended last with 1"),
    ],
)
def test_a_new_release_that_is_at_fault_is_a_failed_swap_and_the_old_one_serves_on(
    engine, shop, fault, said
):
    run = shop(*SCALED, *of(engine, fault=fault), "--ready-timeout", "4")
    assert run.end() == 1, run.said()
    assert said in run.finding("swap_completed")["message"]
    assert ("no such table: goods" in run.finding("swap_completed")["message"]) == (
        fault == "exits"
    )
    assert run.finding("no_failed_request")["verdict"] == "pass"
    assert left(engine, run.name()) == []


def test_a_new_release_that_answers_wrongly_fails(engine, shop):
    run = shop(*SCALED, *of(engine, fault="refuses"))
    assert run.end() == 1, run.said()
    assert run.finding("no_failed_request")["verdict"] == "fail"


def test_an_old_release_that_exits_at_once_is_said_with_its_last_lines(engine, shop):
    run = shop(*SCALED, *of(engine), fault="exits")
    assert run.end() == 2, run.said()
    [message] = run.messages()
    assert message.startswith("the old release did not start: website-1 ended with exit code 3")
    assert "no such table: goods" in run.err()
    assert left(engine, run.name()) == []


def test_a_health_route_that_never_answers_is_said(engine, shop):
    run = shop(*SCALED, *of(engine), "--health", "/healthz", "--ready-timeout", "3")
    assert run.end() == 2, run.said()
    [message] = run.messages()
    assert "stream 'health', GET /healthz: wrong_status, status 404" in message
    assert message.endswith("correct --page or --health, or say --expect-status 404")
    assert left(engine, run.name()) == []


def test_an_image_that_is_not_there_is_said(engine, shop):
    run = shop(*SCALED, "--new-image", "no-such/app:2")
    assert run.end() == 2, run.said()
    [message] = run.messages()
    assert message.startswith("image: 'no-such/app:2' is not on this engine")
    assert not run.name(), "no run folder is left of a run that never began"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: [", "yaml: line 1"),
        ("services: {website: {imag: x}}", "imag is not allowed"),
        ("services: {website: {image: x, depends_on: [db]}}", 'depends on undefined service "db"'),
    ],
)
def test_a_file_that_does_not_parse_is_said_in_composes_own_words(tmp_path, text, said):
    (tmp_path / "compose.yaml").write_text(text)
    done = harness("verify", "--compose", "compose.yaml", "--service", "website", "--deploy",
                   "true", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("harness: compose: compose.yaml cannot be read: ")
    assert said in line
    assert not (tmp_path / "reports").exists()


def test_what_a_killed_run_leaves_is_swept(engine, shop, tmp_path):
    run = shop(*SCALED, *of(engine))
    run.wait_for("steady")
    run.signal(signal.SIGKILL, group=True)
    run.end()
    found = left(engine, run.name())
    assert {name.split()[0] for name in found} == {"container", "network", "volume"}
    done = harness("clean", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert left(engine, run.name()) == []


def test_an_image_that_compose_builds_for_the_run_goes_with_it(engine, shop, tmp_path):
    (tmp_path / "built").mkdir()
    (tmp_path / "built" / "Dockerfile").write_text(f"FROM {website(engine, '1')}\n")
    project = {
        "services": {
            "website": {"build": "./built", "ports": ["8000"]},
        }
    }
    (tmp_path / "built.yaml").write_text(json.dumps(project))
    run = shop("--swap", "recreate", *of(engine), "--swaps", "2", "--between", "3",
               file=str(tmp_path / "built.yaml"))  # fmt: skip
    assert run.end() == 1, run.said()
    assert "1 to 2 to 1" in run.finding("replaced")["message"]
    assert left(engine, run.name()) == []


def test_ctrl_c_leaves_nothing(engine, shop):
    run = shop(*SCALED, *of(engine))
    run.wait_for("swap")
    run.signal(signal.SIGINT, group=True)
    assert run.end() == 130, run.said()
    assert left(engine, run.name()) == []
