"""What the doctor says: each thing as it is, what to do, and the exit code."""

import json
import os
import resource
import socket
import time
from types import SimpleNamespace

import docker
import docker.errors
import pytest

from harness import cli
from harness.doctor import command, engine, machine
from harness.doctor.line import State
from harness.doctor.rate import Held
from harness.mix import default_mix
from harness.model.errors import MissingEvidenceError, NotJudgedError
from harness.model.traffic import ArrivalKind
from harness.stack import seen
from harness.stack.engine_host import LOOPBACK, EngineHost

ELSEWHERE = EngineHost(address="10.9.8.7", bind="0.0.0.0", is_local=False)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "_end_in_order", lambda: None)
    monkeypatch.setattr(machine, "steal_during", lambda _: 0.0)


def engine_seen(**more):
    told = {
        "at": "unix:///var/run/docker.sock",
        "host": LOOPBACK,
        "version": "28.0.1",
        "system": "Debian GNU/Linux 13",
        "cgroup": "2",
        "ahead_s": 0.001,
        "bases": ("debian:trixie-slim",),
        "absent": (),
    }
    return seen.EngineSeen(**(told | more))


@pytest.fixture
def found(monkeypatch):
    def be(**more):
        monkeypatch.setattr(engine, "look", lambda host, images: engine_seen(**more))

    be()
    return be


def run(*arguments):
    return cli.main(["doctor", *arguments])


def test_where_all_is_there_it_exits_0_and_leaves_nothing(found, capsys, tmp_path):
    assert run("--quick") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "✓ engine: 28.0.1 at unix:///var/run/docker.sock" in lines
    assert "✓ settings: drain on target stack, 300/s in 9 streams" in lines
    assert not [line for line in lines if line.startswith("✗")]
    assert not list(tmp_path.iterdir())


def test_without_an_engine_it_says_how_it_was_looked_for_and_exits_2(monkeypatch, capsys):
    def silent():
        # As docker-py says it, without the socket that it leaves to the collector.
        raise docker.errors.DockerException("Error while fetching server API version")

    monkeypatch.setattr(docker, "from_env", silent)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    assert run("--quick") == 2
    out = capsys.readouterr().out
    assert (
        "✗ engine: no Docker engine answers at DOCKER_HOST=unix:///nonexistent/docker.sock; "
        "correct it, or unset it" in out
    )


@pytest.mark.parametrize(
    ("more", "name", "state", "text"),
    [
        ({"version": "19.03.8"}, "engine", State.missing, "19.03.8 at unix:"),
        ({"version": "20.10.0"}, "engine", State.ok, "20.10.0"),
        ({"version": "29.0.0-rc.1"}, "engine", State.ok, "29.0.0-rc.1"),
        ({"version": "dev"}, "engine", State.ok, "dev"),
        ({"cgroup": "1"}, "cgroup", State.note, "version 1: "),
        ({"ahead_s": -0.2}, "engine's clock", State.note, "200 ms behind this machine's"),
        ({"ahead_s": 0.2}, "engine's clock", State.note, "200 ms ahead of this machine's"),
        ({"bases": ()}, "base image", State.note, "none is here"),
        ({"host": ELSEWHERE}, "measured path", State.note, "published ports at 10.9.8.7"),
        ({"system": "Docker Desktop"}, "measured path", State.note, "published loopback ports"),
        ({"absent": ("shop:2",)}, "image", State.note, "shop:2 is not on this engine"),
    ],
)
def test_what_an_engine_tells_is_judged(found, more, name, state, text):
    found(**more)
    [line] = [one for one in engine.engine_lines("", "auto", {}) if one.name == name]
    assert (line.state, text in line.text) == (state, True)


def test_an_engine_that_does_not_tell_its_cgroup_or_clock_has_no_such_line(found):
    found(cgroup="", ahead_s=None)
    names = {line.name for line in engine.engine_lines("", "auto", {})}
    assert names == {"engine", "base image", "measured path"}


def test_a_base_image_of_the_settings_is_looked_for_under_its_name(found):
    found(absent=("own:1",))
    for given, state in (("own:1", State.note), ("own:2", State.ok)):
        lines = {one.name: one for one in engine.engine_lines("", "auto", {"base": given})}
        assert lines["base image"].state is state


def test_what_an_engine_is_asked_pulls_builds_and_starts_nothing(monkeypatch):
    second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 60))
    asked = []

    def get(name):
        asked.append(name)
        if name != "harness-base:trixie":
            raise seen.docker.errors.ImageNotFound("no")

    client = SimpleNamespace(
        info=lambda: {
            "ServerVersion": "28.0",
            "CgroupVersion": "2",
            "SystemTime": f"{second}.123456789Z",
        },
        images=SimpleNamespace(get=get),
        close=lambda: asked.append("closed"),
    )
    monkeypatch.setattr(seen, "connect", lambda: client)
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.9.8.7:2375")
    found = seen.look("", ["shop:2"])
    assert (found.version, found.cgroup, found.system) == ("28.0", "2", "")
    assert found.ahead_s == pytest.approx(60, abs=2)
    assert found.bases == ("harness-base:trixie",)
    assert found.absent == ("shop:2",)
    assert found.host.address == "10.9.8.7"
    assert asked[-1] == "closed"


@pytest.mark.parametrize("told", ["", "yesterday", "2026-11-27 10:00:00"])
def test_a_clock_that_is_not_told_is_not_guessed(told):
    assert seen._ahead_s(told, 0.0) is None


def test_settings_that_could_not_run_are_missing_and_the_rest_is_looked_at(found, capsys):
    assert run("--swap", "bluegreen", "--replicas", "2") == 2
    out = capsys.readouterr().out
    assert "✗ settings: swap: unknown strategy 'bluegreen'" in out
    assert "✓ engine: " in out
    assert " rate:" not in out, "nothing is known of what would be sent"


def test_settings_that_are_none_are_one_message(capsys):
    assert run("--rate", "fast") == 2
    assert capsys.readouterr().err.startswith("harness: settings: rate = 'fast'")


def test_a_url_needs_no_engine_and_takes_a_connection(capsys, monkeypatch):
    monkeypatch.setattr(command, "engine_lines", lambda *_: pytest.fail("the engine was asked"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        arguments = ("--quick", "--url", f"http://127.0.0.1:{port}/", "--deploy", "true")
        assert run(*arguments) == 0
        assert f"✓ url: 127.0.0.1:{port} takes connections" in capsys.readouterr().out
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(1) == b"", "no request is sent that no run records"
    assert run(*arguments) == 2
    assert f"✗ url: 127.0.0.1:{port}: Connection refused" in capsys.readouterr().out


def test_a_deploy_command_that_is_not_there_is_missing(capsys):
    assert run("--quick", "--url", "http://127.0.0.1:9/", "--deploy", "no-such-command x") == 2
    assert "✗ settings: deploy: command not found" in capsys.readouterr().out


HELD = Held(rate_hz=300, is_held=True, text="held", lag_p99_ms=0.2, certain_outage_ms=7.25)


def measuring(monkeypatch, *rates, error=None):
    def measured(*_, **__):
        yield from rates
        if error:
            raise error

    monkeypatch.setattr(command, "measured", measured)


def rate(hz, *, is_held):
    return Held(
        rate_hz=hz, is_held=is_held, text=f"{hz}: told", lag_p99_ms=1.0, certain_outage_ms=3.0
    )


@pytest.mark.parametrize(
    ("rates", "error", "code", "said"),
    [
        (
            (HELD, rate(500, is_held=True), rate(1000, is_held=False)),
            None,
            0,
            (
                "✓ rate: 500/s were held; at 300/s an outage of 7.2 ms is sure to be seen; "
                "1000/s were not held"
            ),
        ),
        (
            (HELD, rate(4000, is_held=True)),
            None,
            0,
            "✓ rate: 4000/s were held; at 300/s an outage of 7.2 ms is sure to be seen",
        ),
        ((rate(300, is_held=False),), None, 2, "✗ rate: 300: told"),
        (
            (HELD,),
            MissingEvidenceError("the child died"),
            0,
            "✓ rate: 300/s were held; at 300/s an outage of 7.2 ms is sure to be seen",
        ),
        (
            (),
            MissingEvidenceError("the child died"),
            2,
            "✗ rate: nothing was measured: the child died",
        ),
    ],
)
def test_the_rate_that_was_held_is_told(found, monkeypatch, capsys, rates, error, code, said):
    measuring(monkeypatch, *rates, error=error)
    assert run() == code
    assert said in capsys.readouterr().out.splitlines()


def test_ctrl_c_while_it_measures_exits_130(found, monkeypatch, capsys):
    measuring(monkeypatch, error=KeyboardInterrupt())
    assert run() == 130
    assert "the rate was not measured to its end" in capsys.readouterr().err


def test_json_holds_the_same_for_programs(found, monkeypatch, capsys):
    measuring(monkeypatch, HELD)
    found(version="19.03.8")
    assert run("--json") == 2
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == 1
    [line] = [one for one in told["lines"] if one["name"] == "engine"]
    assert line["state"] == "missing"
    assert line["remedy"] == "install Docker Engine 20.10 or later"
    assert told["rates"] == [
        {
            "rate_hz": 300,
            "is_held": True,
            "text": "held",
            "lag_p99_ms": 0.2,
            "certain_outage_ms": 7.25,
        }
    ]


TRAFFIC = default_mix(300, timeout_s=10, arrivals=ArrivalKind.even)


@pytest.mark.parametrize(
    ("most", "state"),
    [(1024, State.note), (3_100, State.ok), (resource.RLIM_INFINITY, State.ok)],
)
def test_open_files_are_held_against_a_stall_of_the_whole_timeout(most, state):
    line = machine._files(TRAFFIC, most)
    assert line.state is state
    if state is State.note:
        assert (
            line.remedy == "raise the hard limit (`ulimit -Hn 3100`), or lower --rate or --timeout"
        )


@pytest.mark.parametrize(
    ("share", "state"), [(0.0, State.ok), (0.05, State.ok), (0.06, State.note), (None, State.note)]
)
def test_steal_is_held_against_the_checks_own_bound(share, state):
    assert machine._steal(share).state is state


def test_a_disk_that_is_full_or_closed_to_us_is_missing(tmp_path, monkeypatch):
    def free(mib):
        usage = SimpleNamespace(free=mib * 1024 * 1024)
        monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage)
        return machine._disk(tmp_path / "reports" / "of" / "ours").state

    assert [free(mib) for mib in (63, 64, 1023, 1024)] == [
        State.missing,
        State.note,
        State.note,
        State.ok,
    ]
    (tmp_path / "file").touch()
    assert machine._disk(tmp_path / "file").state is State.missing
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert machine._disk(tmp_path).state is State.missing


def test_memory_cores_clock_and_system_are_told(tmp_path):
    told = tmp_path / "meminfo"
    told.write_text("MemTotal: 4000000 kB\nMemAvailable: 524288 kB\n")
    [line] = machine._memory(told)
    assert line.state is State.note
    assert line.text.startswith("512 MiB available")
    assert list(machine._memory(tmp_path / "none")) == []
    assert [machine._cores(count).state for count in (1, 2)] == [State.note, State.ok]
    clock = tmp_path / "clock"
    clock.write_text("hpet\n")
    assert machine._clock(clock).state is State.note
    clock.write_text("kvm-clock\n")
    assert machine._clock(clock).state is State.ok
    assert [machine._system(name).state for name in ("linux", "darwin")] == [State.ok, State.note]


@pytest.mark.parametrize(
    ("script", "state", "text"),
    [
        ("echo v2.29.1", State.ok, "v2.29.1"),
        ("echo 2.29.1", State.ok, "2.29.1"),
        ("echo 1.29.2", State.missing, "1.29.2"),
        (
            "echo \"'compose' is not a docker command\" >&2; exit 1",
            State.missing,
            "is not a docker",
        ),
        ("exit 1", State.missing, "it failed"),
    ],
)
def test_compose_is_asked_for_its_version(script, state, text):
    line = engine.compose_line(("sh", "-c", script))
    assert (line.state, text in line.text) == (state, True)


def test_compose_that_is_not_there_is_missing():
    assert engine.compose_line(("no-such-docker",)).state is State.missing


def test_the_refusal_of_an_engines_host_is_a_line(monkeypatch):
    def refuses(*_):
        raise NotJudgedError("host: no address is known of 'x'")

    monkeypatch.setattr(engine, "look", refuses)
    [line] = engine.engine_lines("x", "auto", {})
    assert (line.state, line.text) == (State.missing, "host: no address is known of 'x'")
