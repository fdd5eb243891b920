"""The sample website as a Swarm stack, updated and rolled back under load (`make swarm`).

By the commands of docs/swarm.md as they stand there, on a swarm of one node in a container of its
own (swarm_node.py).
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest
from swarm_node import Node, a_node, a_swarm, answers, await_true

from harness.stack import images

pytestmark = pytest.mark.swarm

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "swarm.md"
STACK = ROOT / "sample_app" / "stack.yaml"
PUBLISHED = ROOT / "sample_app" / "swarm" / "published.yaml"
STACK_IMAGES = ("edge", "balancer", "store")
PORT = 8080
SERVICE = "site_website"
SWAPS = 10
RUN_S = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """A run that is over: the command's exit code, and what it was judged to be."""

    code: int
    result: dict[str, Any]

    @property
    def requests(self) -> dict[str, int]:
        found: dict[str, int] = self.result["requests"]
        return found

    def finding(self, check: str) -> dict[str, Any]:
        return next(found for found in self.result["findings"] if found["check"] == check)


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """The stack is up on it, with release v1, and its edge is published on the node's addresses."""
    client = docker.from_env()
    try:
        tags = images.tags(client, STACK_IMAGES, ("v1", "v2"), {}, on_build=lambda _: None)
        names = {tags[name]: f"harness-{name}" for name in STACK_IMAGES}
        names |= {tags[release]: f"webapp-sample:{release}" for release in ("v1", "v2")}
        with a_node(client) as node, a_swarm(node):
            node.take(names)
            # Each task that there was is to be counted afterwards.
            node.docker("swarm", "update", "--task-history-limit", "100")
            files = ("--compose-file", str(STACK), "--compose-file", str(PUBLISHED))
            deploy = ("stack", "deploy", "--resolve-image", "never", *files, "site")
            node.docker(*deploy, WEBSITE_IMAGE="webapp-sample:v1")
            url = f"http://{node.address}:{PORT}/"
            await_true(
                lambda: answers(url),
                lambda: f"the stack does not answer:\n{node.docker('stack', 'ps', 'site')}",
            )
            yield node
    finally:
        client.close()


def commands() -> list[str]:
    """Those of the harness in the document's blocks of code, continued lines joined."""
    text = DOCUMENT.read_text().replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if line.startswith("    harness verify ")]


UPDATES, ROLLBACKS, REFUSALS, REFUSED = commands()


@pytest.fixture
def gated(node: Node, said: Callable[[str], None]) -> Callable[[str], Gated]:
    """Runs a command of the document, with the edge of this node."""

    def run(command: str) -> Gated:
        reports = ROOT / "reports"
        programs = Path(sys.executable).parent
        done = subprocess.run(
            ["/bin/sh", "-c", f"{command} --reports {reports}"],
            cwd=ROOT,
            env=os.environ
            | {
                "DOCKER_HOST": node.host,
                "PATH": f"{programs}:{os.environ['PATH']}",
                "edge": f"{node.address}:{PORT}",
            },
            capture_output=True,
            text=True,
            timeout=RUN_S,
            check=False,
        )
        print(done.stdout, done.stderr)
        assert done.returncode in {0, 1, 3}, "it was not judged"
        folder = (reports / "latest").resolve()
        result = json.loads((folder / "result.json").read_text())
        said(f"{result['sentence']}\n  {folder}")
        return Gated(code=done.returncode, result=result)

    return run


def serve(node: Node, release: str) -> None:
    """That release answers; no update is under way."""
    name = f"webapp-sample:{release}"
    if image(node) != name:
        node.docker(
            *("service", "update", "--quiet", "--detach=false", "--no-resolve-image"),
            *("--image", name, SERVICE),
        )
        await_true(lambda: state(node) == "completed", lambda: f"it ended as {state(node)}")


def state(node: Node) -> str:
    """What Swarm says of the service's last update; empty where there was none."""
    form = "{{with .UpdateStatus}}{{.State}}{{end}}"
    return node.docker("service", "inspect", "--format", form, SERVICE)


def image(node: Node) -> str:
    form = "{{.Spec.TaskTemplate.ContainerSpec.Image}}"
    return node.docker("service", "inspect", "--format", form, SERVICE)


def ended_tasks(node: Node, release: str) -> int:
    """Of that release, of all that the service ever had. One that was never ready is told to stop
    like any other, and so Swarm calls it complete, or shut down.
    """
    told = node.docker("service", "ps", "--format", "{{.DesiredState}} {{.Image}}", SERVICE)
    return told.splitlines().count(f"Shutdown webapp-sample:{release}")


def test_what_listens_beyond_loopback_is_the_kernels_port_and_the_published_one(node: Node) -> None:
    """All that `docker swarm init` opens by addresses that it is told is on loopback alone."""
    found = {(each.kind, each.port) for each in node.listening() if not each.is_loopback}
    assert found == {("udp", 4789), ("tcp", PORT)}


def test_the_edge_is_reached_at_its_tasks_own_address(node: Node) -> None:
    """As the document finds it, from the machine that the node is; nothing is published for it."""
    [found] = [
        line.strip() for line in DOCUMENT.read_text().splitlines() if line.startswith("    edge=")
    ]
    told = subprocess.run(
        ["/bin/sh", "-c", f'{found}; echo "$edge"'],
        env=os.environ | {"DOCKER_HOST": node.host},
        capture_output=True,
        text=True,
        check=True,
    )
    ask = (
        f"exec 3<>/dev/tcp/{told.stdout.strip()}/80 && "
        "printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3"
    )
    code, answer = node.inside("bash", "-c", ask)
    assert code == 0, answer
    assert "Hello beautiful world!" in answer


def test_ten_updates_lose_nothing(node: Node, gated: Callable[[str], Gated]) -> None:
    serve(node, "v1")
    run = gated(UPDATES)
    assert run.code == 0
    assert (run.requests["failed"], run.requests["unknown"]) == (0, 0)
    assert run.finding("swap_completed")["evidence"]["ended"] == SWAPS
    assert run.finding("replaced")["evidence"]["releases"][:3] == ["v1", "v2", "v1"]


def test_ten_rollbacks_lose_nothing(node: Node, gated: Callable[[str], Gated]) -> None:
    serve(node, "v2")
    serve(node, "v1")
    run = gated(ROLLBACKS)
    assert run.code == 0
    assert (run.requests["failed"], run.requests["unknown"]) == (0, 0)
    assert run.finding("swap_completed")["evidence"]["ended"] == SWAPS
    assert run.finding("replaced")["evidence"]["releases"][:3] == ["v1", "v2", "v1"]
    assert state(node) == "rollback_completed"


def test_a_deploy_that_swarm_took_back_is_a_failed_one_though_no_request_failed(
    node: Node, gated: Callable[[str], Gated]
) -> None:
    serve(node, "v1")
    run = gated(REFUSED)
    assert run.code == 1
    assert run.requests["failed"] == 0
    assert run.finding("swap_completed")["verdict"] == "fail"
    assert "rollback_completed" in run.finding("swap_completed")["message"]
    assert state(node) == "rollback_completed"


def test_a_swarm_that_is_somebody_elses_is_left_alone(node: Node) -> None:
    with pytest.raises(RuntimeError, match="in a swarm already"), a_swarm(node):
        pass
    assert node.docker("info", "--format", "{{.Swarm.LocalNodeState}}") == "active"


def test_ten_releases_that_are_never_ready_are_refused_and_lose_nothing(
    node: Node, gated: Callable[[str], Gated]
) -> None:
    serve(node, "v1")
    before = ended_tasks(node, "v2")
    run = gated(REFUSALS)
    assert run.code == 0
    assert (run.requests["failed"], run.requests["unknown"]) == (0, 0)
    assert run.finding("swap_completed")["evidence"]["ended"] == SWAPS
    assert ended_tasks(node, "v2") - before >= SWAPS, "each update had a task of its own"
    assert state(node) == "rollback_completed"
    assert image(node) == "webapp-sample:v1"
