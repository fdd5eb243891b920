"""Wrong settings, a missing engine, a full disk, a rate beyond reach, on the real thing.

Each: one message with its remedy, the right exit code, no traceback, nothing left.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from left import left
from running import HARNESS, SHORT, eventually, harness, messages

from harness.stack.images import base_image

pytestmark = pytest.mark.engine


def test_a_port_that_is_taken_is_told_and_nothing_is_left(engine, verify):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        run = verify("--edge-port", port)
        assert run.end() == 2, run.said()
    (message,) = run.messages()
    assert message.startswith(f"port: {port} on 127.0.0.1 is taken")
    assert "--edge-port" in message
    assert left(engine, run.name()) == []


def test_an_image_that_is_missing_is_told(engine, verify):
    run = verify(toml='[tool.harness.images]\nedge = "no-such-image:1"\n')
    assert run.end() == 2, run.said()
    (message,) = run.messages()
    assert message.startswith("image: 'no-such-image:1' is not on this engine")
    assert "leave that setting out" in message
    assert not run.name(), "no run folder is left of a run that never began"


@pytest.mark.parametrize(
    ("options", "told", "remedy"),
    [
        (("--algorithm", "fastest"), "algorithm: 'fastest'", "roundrobin, "),
        (("--swap", "magic"), "swap: unknown strategy 'magic'", "drain, rolling, blue-green"),
        (("--rate", "none"), "settings: rate = 'none'", "requests a second"),
        (("--reports", "/proc/reports"), "reports: cannot write", "--reports"),
    ],
)
def test_a_wrong_setting_is_told_before_anything_starts(tmp_path, options, told, remedy):
    done = harness("verify", *SHORT, *options, cwd=tmp_path)
    assert done.returncode == 2
    (message,) = messages(done.stderr)
    assert told in message
    assert remedy in message
    assert not (tmp_path / "reports").exists()


def test_no_engine_is_told(tmp_path):
    nowhere = f"unix://{tmp_path}/nonexistent.sock"
    for command in (("verify", *SHORT), ("clean",)):
        done = harness(*command, cwd=tmp_path, env={"DOCKER_HOST": nowhere})
        assert done.returncode == 2
        (message,) = messages(done.stderr)
        assert message.startswith(f"engine: no Docker engine answers at DOCKER_HOST={nowhere}")
        assert "unset it" in message


@pytest.fixture
def as_nobody() -> Iterator[tuple[list[str], Path]]:
    """How to run a command as a user without rights, and a folder that this user may write.

    Root is refused by no socket; anybody else is, as the one that is meant has mode 000.
    """
    folder = Path(tempfile.mkdtemp(prefix="nobody-"))
    folder.chmod(0o777)
    before: list[str] = []
    if os.geteuid() == 0:
        before = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    yield before, folder
    shutil.rmtree(folder)


def test_an_engine_that_refuses_this_user_is_told(as_nobody, tmp_path_factory):
    before, folder = as_nobody
    if before and not _python_is_readable(before):
        pytest.skip("this Python cannot be run by another user; tests/stack has it on a fake")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "docker.sock"))
        (folder / "docker.sock").chmod(0)
        listening.listen()
        done = harness(
            "verify", *SHORT, cwd=folder, before=before,
            env={"DOCKER_HOST": f"unix://{folder}/docker.sock", "HOME": str(folder)},
        )  # fmt: skip
    assert done.returncode == 2, done.stderr
    (message,) = messages(done.stderr)
    assert "permission denied" in message
    assert "`docker` group" in message


def _python_is_readable(before: list[str]) -> bool:
    asked = subprocess.run([*before, HARNESS, "--version"], capture_output=True, check=False)
    return asked.returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a memory disk of a size; needs root."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    mounted: list[Path] = []

    def mount(size: str) -> Path:
        place = tmp_path / "small"
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", place], check=True)


def test_a_disk_that_is_too_small_is_told_before_anything_starts(small_disk, tmp_path):
    disk = small_disk("32m")
    done = harness("verify", *SHORT, "--reports", str(disk), cwd=tmp_path)
    assert done.returncode == 2
    (message,) = messages(done.stderr)
    assert message.startswith("disk: only ")
    assert "a run needs 64 MiB" in message
    assert "--reports" in message


def test_a_disk_that_fills_in_mid_run_is_inconclusive_and_never_a_pass(
    engine, verify, small_disk, tmp_path
):
    disk = small_disk("80m")
    (tmp_path / "reports").symlink_to(disk)
    run = verify("--steady-s", "1.5")
    run.wait_for("steady")
    with (disk / "filler").open("wb", buffering=0) as filler:
        chunk = bytes(64 * 1024)
        while True:
            try:
                filler.write(chunk)
            except OSError:
                if len(chunk) == 1:
                    break
                chunk = chunk[: len(chunk) // 2]
    assert run.end() == 3, run.said()
    said = run.out() + run.err()
    assert "No space left" in said or "disk full" in said
    assert "Traceback" not in run.err()
    assert left(engine, run.name()) == []


@pytest.mark.alone
def test_a_rate_that_the_machine_cannot_hold_is_no_pass_and_leaves_it_as_it_was(engine, verify):
    run = verify(
        "--rate", "10000", "--steady-s", "1", "--timeout-s", "2", "--drain-timeout-s", "2"
    )  # fmt: skip
    assert run.end(120) in {1, 3}, run.said()
    assert run.finding("rate_held")["verdict"] == "inconclusive"
    assert left(engine, run.name()) == []
    eventually(lambda: not run.processes(), "the sender is gone", 10)


@pytest.mark.parametrize(
    ("component", "code", "told"),
    [
        ("edge", 2, "edge: nginx did not start"),
        ("balancer", 2, "balancer: haproxy did not start"),
        ("store", 2, '"redis-server": executable file not found'),
        ("v1", 2, "a release's image must serve HTTP on port 8000"),
        ("v2", 1, "a release's image must serve HTTP on port 8000"),
    ],
)
def test_an_image_without_what_the_stack_needs_is_told(engine, tmp_path, component, code, told):
    """Debian as it is: it has a shell, and neither a server nor a website."""
    base = base_image(engine)
    (tmp_path / "pyproject.toml").write_text(f'[tool.harness.images]\n{component} = "{base}"\n')
    done = harness("verify", *SHORT, cwd=tmp_path)
    assert done.returncode == code
    said = done.stderr if code == 2 else done.stdout
    assert told in " ".join(said.split())
    assert "Traceback" not in done.stderr
