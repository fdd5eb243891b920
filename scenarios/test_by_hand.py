"""The post's own commands, as docs/follow-the-post.md has them, while the gate watches.

`pytest scenarios -m by_hand`. What is typed is read out of the page. Three things are put in place
of what stands there, as a person would: the name of the container that is the old one now, the
port, and every other time the edit is made backwards.
"""

import contextlib
import json
import os
import shlex
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest
import yaml  # bokeh's own dependency
from running import HARNESS, eventually
from typed import ADDRESS, CONTAINER, NEW_TEXT, OLD_TEXT, ROOT, commands, edit, round_of_commands

from harness.stack import images

pytestmark = pytest.mark.by_hand

ROUNDS = 20
"""So many without a failure bound the probability of one in a swap to 14 %, at 95 % confidence."""
COPIED = ("sample_app", "harness/stack/images", "harness/follower")
"""What the page's commands need of a checkout."""
PUBLIC_BASE = images.BASES[-1]
SLOWER = ("--limit-p99-margin-ms", "500")
"""The build and the new release take CPU from the old one, on the machine that also sends."""
ASKED = (
    'docker ps --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME"'
    " --filter label=com.docker.compose.service=website --format '{{.Names}}'"
)
"""What a person reads off `docker ps`."""
KEPT = "docker image inspect -f '{{.Id}}' webapp-sample >>../built"
"""Notes which image was built, to be removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A copy of the checkout, brought up under a name and at a port of its own."""

    checkout: Path
    port: int
    project: str

    @property
    def environment(self) -> dict[str, str]:
        own = {"COMPOSE_PROJECT_NAME": self.project, "HTTP_PORT": str(self.port)}
        # As the page says it: without a word on the base image.
        return {name: text for name, text in os.environ.items() if name != "HARNESS_BASE"} | own

    def here(self, line: str, old: str = CONTAINER) -> str:
        """A line of the page, for this site."""
        port = ADDRESS.partition(":")[2]
        for host in ("localhost", "127.0.0.1"):
            line = line.replace(f"{host}:{port}", f"{host}:{self.port}")
        return line.replace(CONTAINER, old)

    def type(self, *lines: str, folder: str = "sample_app") -> str:
        """In one shell, to its end; what it prints."""
        done = subprocess.run(
            ["/bin/sh", "-e", "-c", "\n".join(lines)],
            cwd=self.checkout / folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"{lines}: {done.stdout}{done.stderr}"
        return done.stdout

    def text(self) -> str:
        return self.type(self.here(commands("Bring it up")[-1]))

    def old(self) -> str:
        """The name of the one website that runs."""
        [name] = self.type(ASKED).split()
        return name

    def round(self, old: str, *, back: bool = False) -> list[str]:
        """The page's commands, which leave `old` for the other text."""
        lines = [self.here(line, old) for line in round_of_commands()]
        return [turned(line) if back else line for line in lines]

    def script(self, name: str, lines: list[str]) -> Path:
        """A file that types them, once it has looked up who the old one is (`$old`)."""
        path = self.checkout / name
        looked_up = (
            "set -e",
            f"cd {shlex.quote(str(self.checkout / 'sample_app'))}",
            f"old=$({ASKED})",
            'test "$(echo "$old" | wc -w)" -eq 1',
        )
        path.write_text("\n".join([*looked_up, *lines, KEPT]) + "\n", "utf-8")
        return path

    def gate(self, deploy: str) -> list[str]:
        """The page's command, with that deploy."""
        [line] = commands("With the gate watching")
        words = shlex.split(self.here(line))
        assert words[:2] == ["harness", "verify"]
        words[words.index("--deploy") + 1] = deploy
        return [HARNESS, *words[1:], *SLOWER]

    def result(self) -> tuple[dict[str, Any], Path]:
        """Of the one run that was judged, with its folder."""
        [path] = self.checkout.parent.glob("reports/deploy/2*/result.json")
        return json.loads(path.read_bytes()), path.parent

    def has_begun(self) -> bool:
        """Whether that run's deploy has."""
        for path in self.checkout.parent.glob("reports/deploy/2*/marks.jsonl"):
            lines = [line for line in path.read_text("utf-8").splitlines() if line.endswith("}")]
            return any(json.loads(line)["name"] == "deploy" for line in lines)
        return False


def turned(line: str) -> str:
    """The edit, backwards; every other line as it is."""
    there, back = edit()
    return line.replace(f"s/{there}/{back}/", f"s/{back}/{there}/")


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="module")
def built(engine: docker.DockerClient) -> Iterator[set[str]]:
    """Ids of images that a site's commands built.

    The names that these commands give belong to who had them before, once the tests are over; what
    was built for them is removed.
    """
    base = images.base_image(engine)
    project = yaml.safe_load((ROOT / "sample_app" / "compose.yaml").read_text("utf-8"))
    given = [service["image"] for service in project["services"].values()]
    former = {name: known(engine, name) for name in (*given, PUBLIC_BASE)}
    if not former[PUBLIC_BASE]:
        engine.images.get(base).tag(*PUBLIC_BASE.split(":"))
    ids: set[str] = set()
    try:
        yield ids
    finally:
        for name, was in former.items():
            if known(engine, name) not in {"", was}:
                engine.images.remove(name)
            if was:
                engine.images.get(was).tag(*f"{name}:latest".split(":")[:2])
        for one in ids.difference(former.values()):
            # Gone with its name, or somebody else's by now.
            with contextlib.suppress(docker.errors.ImageNotFound):
                if not engine.images.get(one).tags:
                    engine.images.remove(one)


def known(engine: docker.DockerClient, name: str) -> str:
    """The image's id; empty where there is none."""
    try:
        return str(engine.images.get(name).id)
    except docker.errors.ImageNotFound:
        return ""


@pytest.fixture
def site(built: set[str], tmp_path: Path) -> Iterator[Site]:
    """As after the page's first commands."""
    site = Site(checkout=tmp_path / "checkout", port=free_port(), project=f"byhand{os.getpid()}")
    for folder in COPIED:
        left_out = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, site.checkout / folder, ignore=left_out)
    *typed, looked = commands("Bring it up")
    try:
        site.type(*typed, KEPT, folder=".")
        eventually(lambda: OLD_TEXT in site.type(site.here(looked)), "the website is up", 60)
        yield site
        site.type(KEPT)
    finally:
        subprocess.run(
            ["docker", "compose", "down", "-v", "--remove-orphans", "--timeout", "1"],
            cwd=site.checkout / "sample_app",
            env=site.environment,
            check=True,
        )
        notes = site.checkout / "built"
        built.update(notes.read_text("utf-8").split() if notes.exists() else ())


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def run(site: Site, command: list[str]) -> int:
    """The gate, to its end."""
    done = subprocess.run(
        command,
        cwd=site.checkout.parent,
        env=site.environment,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    print(done.stdout, done.stderr)
    return done.returncode


def assert_nothing_lost(result: dict[str, Any]) -> None:
    assert result["requests"]["failed"] == 0
    assert result["requests"]["unknown"] == 0
    assert result["requests"]["ok"] == result["requests"]["planned"]


def test_twenty_rounds_by_hand_lose_nothing(site: Site, said: Callable[[str], None]) -> None:
    """Typed as fast as a shell can: nobody awaits the new release before stopping the old one."""
    site.script("swap-1.sh", site.round("$old"))
    site.script("swap-0.sh", site.round("$old", back=True))
    deploy = f"sh {shlex.quote(str(site.checkout))}/swap-$((HARNESS_SWAP % 2)).sh"
    code = run(site, [*site.gate(deploy), "--swaps", str(ROUNDS)])
    result, folder = site.result()
    said(result["sentence"])
    assert_nothing_lost(result)
    assert code == 0
    logs = folder / "logs"
    shown = [(logs / f"deploy-{number + 1}.printed.txt").read_text() for number in range(ROUNDS)]
    seen = [[text for text in (OLD_TEXT, NEW_TEXT) if text in printed] for printed in shown]
    assert seen == [[NEW_TEXT], [OLD_TEXT]] * (ROUNDS // 2)


def test_the_gate_watches_what_is_typed_elsewhere(site: Site) -> None:
    """Its deploy is the page's own: it waits for the old container's end, and does nothing."""
    old = site.old()
    shown = site.checkout.parent / "shown.txt"
    with shown.open("w") as output:
        watching = subprocess.Popen(
            site.gate(f"docker wait {old}"),
            cwd=site.checkout.parent,
            env=site.environment,
            stdout=output,
            stderr=output,
        )
        try:
            eventually(site.has_begun, "the gate waits for the deploy", 60)
            site.type(*site.round(old))
            code = watching.wait(120)
        finally:
            watching.kill()
            watching.wait()
    print(shown.read_text())
    result, _ = site.result()
    assert_nothing_lost(result)
    assert code == 0
    assert site.text() == NEW_TEXT


def test_what_the_page_says_not_to_type_is_judged_fail(site: Site) -> None:
    """Compose's own way, which stops before it starts: the same site, gate and rate."""
    recreated = [*commands("Change the text"), *commands("What not to type")]
    script = site.script("recreate.sh", recreated)
    code = run(site, site.gate(f"sh {shlex.quote(str(script))}"))
    result, _ = site.result()
    assert code == 1
    assert result["requests"]["failed"] > 0
    assert site.text() == NEW_TEXT
