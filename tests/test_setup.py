"""scripts/setup, with stand-ins for the commands that it calls: what is there is left alone."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "setup"
BASH = shutil.which("bash")
pytestmark = pytest.mark.skipif(BASH is None, reason="the script is bash's")

REAL = [
    "awk",
    "basename",
    "cat",
    "chmod",
    "cut",
    "dirname",
    "env",
    "grep",
    "head",
    "mkdir",
    "mktemp",
    "mv",
    "rm",
    "sed",
    "sha256sum",
    "sleep",
    "tail",
    "timeout",
    "tr",
    "true",
]
"""All that the script may find beside the stand-ins: no docker, apt or pip of this machine."""

ENGINE = "case $1 in version) echo 28.0 ;; image) exit 1 ;; esac"


class Machine:
    """A folder of commands, and the repository's script in one of its own."""

    def __init__(self, folder):
        self.bin = folder / "bin"
        self.log = folder / "calls"
        self.repo = folder / "a repo"
        self.bin.mkdir()
        self.log.touch()
        (self.repo / "scripts").mkdir(parents=True)
        shutil.copy(SCRIPT, self.repo / "scripts" / "setup")
        for name in REAL:
            found = shutil.which(name)
            assert found, name
            (self.bin / name).symlink_to(found)
        self.has("id", "echo 0")

    def has(self, name, does=":"):
        """Gives the machine a command, whose calls are logged."""
        path = self.bin / name
        path.write_text(f'#!{BASH}\nprintf "%s\\n" "{name} $*" >>"{self.log}"\n{does}\n')
        path.chmod(0o755)

    def calls(self, *names):
        lines = self.log.read_text().splitlines()
        return [line for line in lines if line.split()[0] in names] if names else lines

    def run(self, *command, **environment):
        return subprocess.run(
            [BASH, *command],
            env={"PATH": str(self.bin), "HOME": str(self.repo), "TMPDIR": str(self.repo)}
            | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    def call(self, functions, *, debian=True, **environment):
        """Reads the script for its functions, and calls some."""
        preset = f"is_debian_like() {{ {'true' if debian else 'false'}; }}\n"
        script = f"source '{self.repo}/scripts/setup'\n{preset}{functions}"
        return self.run("-c", script, **environment)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def one_line(done, *parts):
    """The script gave up with exit code 2 and one line."""
    [line] = done.stderr.splitlines()
    assert done.returncode == 2
    assert line.startswith("setup: ")
    for part in parts:
        assert part in line
    return True


def test_the_script_is_valid_bash():
    done = subprocess.run([BASH, "-n", SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert os.access(SCRIPT, os.X_OK)


def test_reading_it_for_its_functions_runs_nothing(machine):
    done = machine.call("")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert machine.calls() == []


def set_up(machine):
    """An environment that is complete, for this very script."""
    repo = machine.repo
    (repo / "pyproject.toml").write_text("[project]\n")
    (repo / "constraints.txt").write_text("x==1\n")
    machine.has("python3", 'case $1 in --version) echo "Python 3.11.7" ;; esac')
    (repo / ".venv" / "bin").mkdir(parents=True)
    for name in ("harness", "python"):
        (repo / ".venv" / "bin" / name).write_text(f"#!{BASH}\n")
        (repo / ".venv" / "bin" / name).chmod(0o755)
    wanted = machine.run(
        "-c",
        f"cd '{repo}'; cat pyproject.toml constraints.txt scripts/setup | sha256sum;"
        "python3 --version",
    )
    (repo / ".venv" / ".harness-setup").write_text(wanted.stdout)
    machine.log.write_text("")


def test_what_is_all_there_is_left_untouched_without_a_word(machine):
    set_up(machine)
    machine.has("docker")
    before = sorted((path, path.stat().st_mtime_ns) for path in machine.repo.rglob("*"))
    done = machine.run(str(machine.repo / "scripts" / "setup"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert before == sorted((path, path.stat().st_mtime_ns) for path in machine.repo.rglob("*"))
    assert machine.calls("docker") == [
        "docker version --format {{.Server.Version}}",
        "docker image inspect harness-base:trixie",
    ]


def test_the_environment_alone_needs_no_engine(machine):
    set_up(machine)
    done = machine.run(str(machine.repo / "scripts" / "setup"), "python")
    assert (done.returncode, done.stderr) == (0, "")


def test_what_the_benchmark_lacks_is_installed_and_nothing_else(machine):
    """NGINX may be this machine's own, beside the stand-ins."""
    for name in ("wrk", "nginx", "apt-get"):
        machine.has(name)
    done = machine.call("benchmark_programs")
    assert (done.returncode, done.stderr) == (0, "setup: installing Debian's hey\n")
    [_, install] = machine.calls("apt-get")
    assert install.endswith(" --no-install-recommends hey")


def test_where_nothing_may_be_installed_what_the_benchmark_lacks_is_said(machine):
    for name in ("hey", "nginx"):
        machine.has(name)
    done = machine.call("benchmark_programs", debian=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "setup: wrk missing: install them (Debian: apt-get install wrk)"
    )
    assert machine.calls("apt-get") == []


def test_an_environment_of_another_time_is_made_anew(machine):
    set_up(machine)
    (machine.repo / "constraints.txt").write_text("x==2\n")
    stale = machine.repo / ".venv" / "stale"
    stale.touch()
    made = "mkdir -p .venv/bin; printf '#!%s\\n' \"$BASH\" >.venv/bin/python"
    machine.has(
        "python3",
        f'case "$*" in --version) echo "Python 3.11.7" ;; "-m venv .venv") {made};'
        " chmod +x .venv/bin/python ;; esac",
    )
    done = machine.run(str(machine.repo / "scripts" / "setup"), "python")
    assert (done.returncode, done.stderr) == (0, "setup: making the virtual environment (.venv)\n")
    assert not stale.exists()
    assert (machine.repo / ".venv" / ".harness-setup").read_text()


def test_a_python_that_is_too_old_is_named(machine):
    set_up(machine)
    (machine.repo / ".venv" / ".harness-setup").unlink()
    machine.has("python3", 'case $1 in --version) echo "Python 3.9" ;; *) exit 1 ;; esac')
    done = machine.run(str(machine.repo / "scripts" / "setup"), "python")
    assert one_line(done, "python3 is not Python 3.11 or later", "PYTHON=")
    assert (machine.repo / ".venv" / "bin" / "harness").exists()


@pytest.mark.parametrize("user", [0, 1000])
def test_an_engine_that_answers_is_used_untouched(machine, user):
    machine.has("id", f"echo {user}")
    for name in ("dockerd", "apt-get", "systemctl", "setsid"):
        machine.has(name)
    machine.has("docker", ENGINE)
    done = machine.call("engine", DOCKER_HOST="tcp://build.test:2376")
    assert (done.returncode, done.stderr) == (0, "")
    assert machine.calls("docker", "dockerd", "apt-get", "systemctl", "setsid") == [
        "docker version --format {{.Server.Version}}"
    ]


def test_an_address_that_is_silent_is_said_and_no_other_engine_started(machine):
    machine.has("docker", "exit 1")
    machine.has("dockerd")
    machine.has("setsid")
    done = machine.call("engine", DOCKER_HOST="tcp://build.test:2376")
    assert one_line(done, "DOCKER_HOST=tcp://build.test:2376", "correct it, or unset it")
    assert machine.calls("dockerd", "setsid") == []


@pytest.mark.parametrize(("user", "debian"), [(1000, True), (1000, False), (0, False)])
def test_where_nothing_may_be_installed_what_to_install_is_said(machine, user, debian):
    machine.has("id", f"echo {user}")
    machine.has("apt-get")
    done = machine.call("engine", debian=debian)
    assert one_line(done, "install and start Docker", "docker.io", "Docker Desktop")
    assert machine.calls("apt-get") == []


def test_a_socket_that_refuses_this_user_is_told_from_no_engine(machine):
    machine.has("id", "echo 1000")
    machine.has("docker", 'echo "dial unix: connect: permission denied" >&2; exit 1')
    assert one_line(machine.call("engine"), "refuses this user", "group docker")


STARTS_AT_ONCE = """
    start_engine() { echo started; }
"""


def test_root_on_debian_gets_docker_io_installed_and_started(machine):
    machine.has("apt-get")
    done = machine.call(f"{STARTS_AT_ONCE}\nengine")
    assert (done.returncode, done.stdout) == (0, "started\n")
    assert machine.calls("apt-get")[-1] == "apt-get install -y --no-install-recommends docker.io"


def test_an_engine_that_is_installed_is_only_started(machine):
    machine.has("apt-get")
    machine.has("docker", "exit 1")
    machine.has("dockerd")
    assert machine.call(f"{STARTS_AT_ONCE}\nengine").stdout == "started\n"
    assert machine.calls("apt-get") == []


def test_an_install_that_fails_shows_its_last_lines(machine):
    machine.has("apt-get", "[ $1 = update ] || { echo E: no such package; exit 100; }")
    done = machine.call("engine")
    assert done.returncode == 2
    assert "E: no such package" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("setup: docker.io could not be installed")


def test_a_repository_that_fails_to_update_is_no_hindrance(machine):
    machine.has("apt-get", "[ $1 != update ]")
    assert machine.call(f"{STARTS_AT_ONCE}\nengine").returncode == 0


def test_an_engine_is_started_and_waited_for(machine):
    """Stale files are looked for first; this machine's own are not touched here."""
    up = machine.repo / "up"
    machine.has("docker", f'[ -e "{up}" ]')
    machine.has("setsid", f'echo "$@"; : >"{up}"')
    machine.has("systemctl", "exit 1")
    done = machine.call(
        'forget_if_dead() { echo "looks at $2" >&2; }\nstart_engine',
        HARNESS_ENGINE_LOG=str(machine.repo / "engine.log"),
    )
    assert done.returncode == 0
    assert "looks at /run/docker.pid" in done.stderr
    assert f"setup: starting dockerd (its output: {machine.repo}/engine.log)" in done.stderr
    assert (machine.repo / "engine.log").read_text() == "dockerd\n"


def test_an_engine_that_does_not_start_shows_its_last_lines(machine):
    machine.has("docker", "exit 1")
    machine.has("systemctl", "exit 1")
    machine.has("setsid", "echo failed to mount overlay")
    done = machine.call(
        "forget_if_dead() { :; }\nwait_for_engine() { wait; return 1; }\nstart_engine",
        HARNESS_ENGINE_LOG=str(machine.repo / "engine.log"),
    )
    assert done.returncode == 2
    assert "failed to mount overlay" in done.stderr
    assert "dockerd did not start" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(("here", "looks"), [("harness-base:trixie", 1), ("debian:trixie-slim", 2)])
def test_a_base_image_that_is_present_is_neither_pulled_nor_made(machine, here, looks):
    machine.has("docker", f'[ "$1 $2" = "image inspect" ] && [ "$3" = {here} ]')
    machine.has("mmdebstrap")
    done = machine.call("base_image")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(machine.calls("docker", "mmdebstrap")) == looks


def test_where_a_registry_answers_the_base_image_is_pulled_and_not_made(machine):
    machine.has("docker", ENGINE)
    machine.has("mmdebstrap")
    done = machine.call("base_image")
    assert (done.returncode, done.stderr) == (0, "setup: pulling debian:trixie-slim\n")
    assert machine.calls("docker")[-1] == "docker pull --quiet debian:trixie-slim"
    assert machine.calls("mmdebstrap") == []


def without_registry(machine, *, imports=":"):
    machine.has("docker", f"case $1 in version) ;; import) {imports} ;; *) exit 1 ;; esac")


def targets(machine, *lines):
    text = "\\n".join(lines)
    machine.has("apt-get", f'[ $1 != indextargets ] || printf "{text}\\n"')


def left_behind(machine):
    return [path.name for path in machine.repo.iterdir() if path.name.startswith("tmp.")]


def test_where_none_answers_the_base_image_is_made_from_apts_own_mirror(machine):
    without_registry(machine)
    machine.has("mmdebstrap")
    targets(
        machine,
        "Docker http://docker.test/linux",
        "Debian http://security.test/debian-security",
        "Debian http://mirror.test/debian",
        "Debian http://other.test/debian",
    )
    assert machine.call("base_image").returncode == 0
    [made] = machine.calls("mmdebstrap")
    words = made.split()
    assert words[1:3] == ["--variant=minbase", "--quiet"]
    assert words[-1] == "http://mirror.test/debian"
    assert "trixie" in words
    imported = machine.calls("docker")[-1]
    assert imported.startswith("docker import ")
    assert imported.endswith("/base.tar harness-base:trixie")
    assert left_behind(machine) == []


def test_a_mirror_by_https_is_trusted_as_this_machine_trusts_it(machine):
    without_registry(machine)
    machine.has("mmdebstrap")
    targets(machine, "Debian https://mirror.test/debian")
    trust = machine.repo / "trust.crt"
    trust.touch()
    assert machine.call(f"system_trust='{trust}'\nbase_image").returncode == 0
    [made] = machine.calls("mmdebstrap")
    assert "--include=ca-certificates" in made
    assert f"--customize-hook=upload {trust} {trust}" in made


@pytest.mark.parametrize("has_apt", [True, False])
def test_without_a_debian_mirror_mmdebstrap_uses_its_own(machine, has_apt):
    without_registry(machine)
    machine.has("mmdebstrap")
    if has_apt:
        targets(machine, "Ubuntu http://mirror.test/ubuntu")
    assert machine.call("base_image").returncode == 0
    assert machine.calls("mmdebstrap")[0].split()[-1].endswith("base.tar")


def test_mmdebstrap_is_installed_where_that_may_be(machine):
    without_registry(machine)
    machine.has("apt-get", f'[ $1 != install ] || ln -s "{shutil.which("true")}" "$MM"')
    (machine.bin / "ln").symlink_to(shutil.which("ln"))
    done = machine.call("base_image", MM=str(machine.bin / "mmdebstrap"))
    assert done.returncode == 0
    assert "apt-get install -y --no-install-recommends mmdebstrap" in machine.calls("apt-get")


def test_where_it_may_not_be_what_to_do_is_said(machine):
    without_registry(machine)
    machine.has("id", "echo 1000")
    done = machine.call("base_image")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "setup: mmdebstrap is missing: install it, or make debian:trixie-slim available to the "
        "engine"
    )


def test_a_bootstrap_that_fails_shows_its_last_lines_and_leaves_nothing(machine):
    without_registry(machine)
    machine.has("mmdebstrap", "echo E: 404 Not Found; exit 1")
    targets(machine, "Debian http://mirror.test/debian")
    done = machine.call("base_image")
    assert done.returncode == 2
    assert "E: 404 Not Found" in done.stderr
    assert "could not be bootstrapped" in done.stderr.splitlines()[-1]
    assert left_behind(machine) == []


def test_an_import_that_fails_is_said_and_leaves_nothing(machine):
    without_registry(machine, imports="echo no space left >&2; exit 1")
    machine.has("mmdebstrap")
    done = machine.call("base_image")
    assert done.returncode == 2
    assert "no space left" in done.stderr
    assert "did not take in the base image" in done.stderr.splitlines()[-1]
    assert left_behind(machine) == []


@pytest.mark.parametrize(
    ("holds", "name", "is_kept"),
    [
        ("own", "bash", True),
        ("own", "dockerd", False),
        ("4194305", "bash", False),
        ("", "bash", False),
        ("no number", "bash", False),
    ],
    ids=["alive", "another's number", "dead", "empty", "damaged"],
)
@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="reads /proc")
def test_only_the_file_of_a_dead_engine_is_forgotten(machine, holds, name, is_kept):
    file = machine.repo / "engine.pid"
    file.write_text("" if holds == "own" else holds)
    write = f"printf %s $$ >'{file}'\n" if holds == "own" else ""
    done = machine.call(f"{write}forget_if_dead {name} '{file}'")
    assert (done.returncode, done.stderr) == (0, "")
    assert file.exists() is is_kept


def test_no_file_is_nothing_to_forget(machine):
    assert machine.call("forget_if_dead dockerd /nonexistent/docker.pid").returncode == 0


TAKES = """
case "$1 $2" in
    "compose version") exit 1 ;;
    "image inspect") exit {image} ;;
    "run --rm") {run} ;;
esac
"""


def test_a_compose_that_is_there_is_left_alone(machine):
    machine.has("docker")
    done = machine.call("compose")
    assert (done.returncode, done.stderr) == (0, "")
    assert machine.calls("docker") == ["docker compose version"]


@pytest.mark.parametrize(
    ("image", "named"), [(0, "harness-base:trixie"), (1, "debian:trixie-slim")]
)
def test_compose_is_taken_out_of_a_container_of_the_base_image(machine, image, named):
    machine.has("docker", TAKES.format(image=image, run="echo a program"))
    done = machine.call("compose")
    assert done.returncode == 0, done.stderr
    assert any(f" {named} sh -ec" in line for line in machine.calls())
    taken = machine.repo / ".docker" / "cli-plugins" / "docker-compose"
    assert taken.read_text() == "a program\n"
    assert taken.stat().st_mode & 0o777 == 0o755
    assert list(taken.parent.iterdir()) == [taken]


def test_compose_is_put_where_docker_is_configured(machine):
    machine.has("docker", TAKES.format(image=0, run="echo a program"))
    machine.call("compose", DOCKER_CONFIG=str(machine.repo / "conf"))
    assert (machine.repo / "conf" / "cli-plugins" / "docker-compose").exists()


def test_a_compose_that_cannot_be_had_leaves_nothing_and_is_said(machine):
    machine.has(
        "docker", TAKES.format(image=0, run="echo half; echo E: no such package >&2; exit 1")
    )
    done = machine.call("compose")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-2] == "E: no such package"
    assert done.stderr.splitlines()[-1].startswith("setup: Compose v2 is missing: install it")
    assert list((machine.repo / ".docker" / "cli-plugins").iterdir()) == []
