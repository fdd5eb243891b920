"""The ways to bring a target, as a newcomer has them: the built wheel alone, in an empty folder.

`pytest scenarios -m ways`; each with a deploy that is right, and with one that is not.
"""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import docker
import pytest

from harness.stack import images

pytestmark = pytest.mark.ways

ROOT = Path(__file__).parents[1]
APP = Path(__file__).parent / "ways"
SHORT = ("--rate", "200", "--warmup", "1", "--steady", "4", "--after", "3.2")
STARTED = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """An environment with the wheel and what it needs, and a folder with nothing of the project."""

    programs: Path
    folder: Path

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The command of that environment, in that folder."""
        program, *arguments = command
        clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            cwd=self.folder,
            env=clean | environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        print(done.stdout, done.stderr)
        return done


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel is built and installed, with what it depends on and nothing else."""
    place = tmp_path_factory.mktemp("newcomer")
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", place, ROOT], check=True)
    [wheel] = place.glob("*.whl")
    venv.create(place / "environment", with_pip=True)
    python = place / "environment" / "bin" / "python"
    install = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", wheel]
    subprocess.run(install, check=True, env=os.environ | _certificates())
    return python.parent


def _certificates() -> dict[str, str]:
    """pip brings its own; behind a proxy that inspects TLS only the system's do."""
    system = Path("/etc/ssl/certs/ca-certificates.crt")
    return {"PIP_CERT": str(system)} if system.exists() and "PIP_CERT" not in os.environ else {}


@pytest.fixture
def newcomer(programs: Path, tmp_path: Path) -> Newcomer:
    return Newcomer(programs=programs, folder=tmp_path)


@pytest.fixture
def behind_caddy(newcomer: Newcomer) -> Iterator[Newcomer]:
    """The app's release v1 serves behind Caddy, at 127.0.0.1:8000."""
    folder = newcomer.folder
    shutil.copytree(APP, folder, dirs_exist_ok=True)
    # Under another name here, where it is none of this project's tests.
    (folder / "gate.py").rename(folder / "test_deploy.py")
    for script in folder.glob("*.sh"):
        script.chmod(0o755)
    (folder / "port").write_text("8001\n")
    # Nobody's child: one of ours that has ended would be there until it was waited for.
    begun = "python3 app.py 8001 v1 >/dev/null 2>&1 & echo $! >pid.8001"
    subprocess.run(["/bin/sh", "-c", begun], cwd=folder, check=True)
    caddy = subprocess.Popen(
        ["caddy", "run", "--config", "Caddyfile", "--adapter", "caddyfile"],
        cwd=folder,
        env=os.environ | {"HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await("http://127.0.0.1:8000/")
        yield newcomer
    finally:
        for number in ("8001", "8002"):
            with contextlib.suppress(OSError, ValueError):
                os.kill(int((folder / f"pid.{number}").read_text()), signal.SIGTERM)
        caddy.terminate()
        caddy.wait(STARTED)


def _await(url: str) -> None:
    deadline = time.monotonic() + STARTED
    while subprocess.run(["curl", "-fs", "-o", "/dev/null", url], check=False).returncode:
        assert time.monotonic() < deadline, f"{url} does not answer"
        time.sleep(0.1)


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


def shop(engine: docker.DockerClient, version: str, fault: str = "") -> str:
    """An image of the app in tests/apps/shop: Bottle under waitress."""
    context, base = ROOT / "tests" / "apps" / "shop", images.base_image(engine)
    return images.built(engine, "test-shop", context, base, VERSION=version, FAULT=fault)


OF_SHOP = ("--port", "8080", "--health", "/up", "--expect-text", "Welcome", "--env", "CURRENCY=EUR")


def test_images_right(engine: docker.DockerClient, newcomer: Newcomer) -> None:
    named = ("--old-image", shop(engine, "1"), "--new-image", shop(engine, "2"))
    done = newcomer.run("harness", "verify", *named, *OF_SHOP, *SHORT)
    assert done.returncode == 0


def test_images_wrong(engine: docker.DockerClient, newcomer: Newcomer) -> None:
    """A strategy that stops before it starts."""
    named = ("--old-image", shop(engine, "1"), "--new-image", shop(engine, "2"))
    done = newcomer.run("harness", "verify", *named, *OF_SHOP, *SHORT, "--swap", "recreate")
    assert done.returncode == 1
    assert "no_failed_request" in done.stdout


PROJECT = ROOT / "tests" / "engine" / "shop"
OF_PROJECT = ("--service", "website", "--release", "header:X-Version", "--health", "/health",
              "--expect-text", "Welcome")  # fmt: skip


@pytest.fixture
def project(engine: docker.DockerClient, newcomer: Newcomer) -> dict[str, str]:
    """A team's compose.yaml in the folder, and the variables that it takes its images from."""
    shutil.copy(PROJECT / "compose.yaml", newcomer.folder)
    base = images.base_image(engine)
    return {
        "SHOP_FRONT": images.built(engine, "test-shop-front", PROJECT / "front", base),
        "SHOP_IMAGE": website(engine, "1"),
    }


def website(engine: docker.DockerClient, release: str) -> str:
    base = images.base_image(engine)
    return images.built(engine, "test-shop", PROJECT / "app", base, RELEASE=release, FAULT="")


@pytest.mark.parametrize(("swap", "code"), [("scale-then-stop", 0), ("recreate", 1)])
def test_compose(
    engine: docker.DockerClient, newcomer: Newcomer, project: dict[str, str], swap: str, code: int
) -> None:
    new = ("--new-image", website(engine, "2"), "--swap", swap)
    done = newcomer.run(
        "harness", "verify", "--compose", "compose.yaml", *OF_PROJECT, *new, *SHORT, **project
    )
    assert done.returncode == code


@pytest.mark.parametrize(("script", "code"), [("./deploy.sh", 0), ("./deploy-wrong.sh", 1)])
def test_a_command_behind_another_proxy(behind_caddy: Newcomer, script: str, code: int) -> None:
    (behind_caddy.folder / "pyproject.toml").unlink()
    at = ("--url", "http://127.0.0.1:8000/", "--release", "header:X-Version")
    done = behind_caddy.run("harness", "verify", *at, "--deploy", script, *SHORT)
    assert done.returncode == code
    if code:
        assert "502 (wrong_status)" in done.stdout


@pytest.mark.parametrize(("script", "code"), [("./deploy.sh", 0), ("./deploy-wrong.sh", 1)])
def test_a_locustfile(behind_caddy: Newcomer, script: str, code: int) -> None:
    (behind_caddy.folder / "pyproject.toml").unlink()
    at = ("--url", "http://127.0.0.1:8000/", "--release", "header:X-Version")
    sent = ("--locustfile", "locustfile.py", "--users", "20", *SHORT[2:])
    done = behind_caddy.run("harness", "verify", *at, "--deploy", script, *sent)
    assert done.returncode == code


def test_pytest(behind_caddy: Newcomer) -> None:
    """The settings are in pyproject.toml: a failing gate is a failing test that names the cause."""
    done = behind_caddy.run("pytest", "-q", "--junit-xml", "junit.xml")
    assert done.returncode == 1
    assert "1 failed, 2 passed" in done.stdout
    assert "no_failed_request" in done.stdout
    assert "502 (wrong_status)" in done.stdout
    assert "harness/verify.py" not in done.stdout, "no traceback of the harness's own"
    suite = ET.parse(behind_caddy.folder / "junit.xml").getroot()[0]  # noqa: S314 (our own)
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "0")
    only = behind_caddy.run("pytest", "-q", "-k", "something_else")
    assert "1 passed, 2 deselected" in only.stdout
    # What failed last runs alone, and by now its deploy is the same wrong one.
    last = behind_caddy.run("pytest", "-q", "--lf", "-x")
    assert "1 failed in" in last.stdout


GATE = ROOT / "docs" / "gate.md"
TIMING = "[tool.harness]\nwarmup_s = 1\nsteady_s = 4\nafter_s = 3.2\n"
"""In the folder, so that what a document says is run as it stands, and sooner over."""
STOPS_FIRST = frozenset({"./deploy-wrong.sh"})


def commands(document: Path) -> list[str]:
    """The commands of the harness in its blocks of code, continued lines joined."""
    text = document.read_text().replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if line.startswith("    harness ")]


@pytest.mark.parametrize("command", commands(GATE), ids=lambda command: command[:60])
def test_what_the_first_document_says_is_so(
    engine: docker.DockerClient, behind_caddy: Newcomer, project: dict[str, str], command: str
) -> None:
    (behind_caddy.folder / "pyproject.toml").write_text(TIMING)
    for number in "12":
        assert engine.images.get(website(engine, number)).tag("my/app", number)
    try:
        words = shlex.split(command)
        done = behind_caddy.run(*words, **project | {"SHOP_IMAGE": "my/app:1"})
    finally:
        for number in "12":
            engine.images.remove(f"my/app:{number}")
    assert done.returncode == (1 if STOPS_FIRST & set(words) else 0)
