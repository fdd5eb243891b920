"""Containers: who is at fault where one does not start, and how a command in one ended."""

import threading
from dataclasses import replace
from types import SimpleNamespace

import docker.errors
import pytest
import requests
from fake_engine import FakeContainer, api_error, image_missing

import harness.stack.containers as module
from harness.model.errors import MissingEvidenceError, NotJudgedError
from harness.stack.containers import Spec, UnendedError, UnfitImageError, launch, run_in

SPEC = Spec(name="harness-r1-website-2", image="shop:2", labels={})


@pytest.fixture
def box() -> FakeContainer:
    box = FakeContainer()
    box.answers = {"haproxy": (1, b"config: no such server"), "true": (0, b"")}
    return box


@pytest.mark.parametrize("untold", [0, 1, 3])
def test_the_exit_code_is_awaited(box, untold):
    box.client.api.untold = untold
    assert run_in(box, ["haproxy", "-c"]) == (1, "config: no such server")
    assert run_in(box, ["true"]) == (0, "")


def test_a_command_of_which_the_engine_does_not_tell_the_end_has_not_succeeded(box, monkeypatch):
    monkeypatch.setattr(module, "_EXIT_CODE_S", 0.1)
    box.client.api.untold = 1_000_000
    with pytest.raises(docker.errors.APIError, match="how true ended is not known"):
        run_in(box, ["true"])


def test_a_command_that_does_not_end_is_left_alone_after_its_time(box):
    go_on = threading.Event()
    box.exec_run = lambda _command: (0, b"late" * go_on.wait(20))
    with pytest.raises(UnendedError, match=r"redis-cli did not end within 0\.05 s"):
        run_in(box, ["redis-cli", "PING"], timeout_s=0.05)
    go_on.set()


def test_what_the_engine_refuses_of_a_command_is_raised_as_it_is(box):
    box.errors["exec_run"] = api_error(409, "container is not running")
    with pytest.raises(docker.errors.APIError, match="not running") as info:
        run_in(box, ["true"])
    assert not isinstance(info.value, UnendedError)


class Unit:
    """testcontainers' container, of an engine that has made it and may fail then."""

    def __init__(self, error, removal):
        self.error = error
        self.made = FakeContainer("made")
        if removal:
            self.made.errors["remove"] = removal
        self.ports = {}
        self.asked = []

    def __call__(self, image):
        return self

    def _itself(self, *_, **__):
        return self

    with_name = with_network = with_envs = with_kwargs = with_command = _itself

    def start(self):
        if self.error:
            raise self.error

    def get_wrapped_container(self):
        return self.made

    def get_docker_client(self):
        def get(name):
            self.asked.append(name)
            return self.made

        return SimpleNamespace(client=SimpleNamespace(containers=SimpleNamespace(get=get)))


@pytest.fixture
def unit(monkeypatch):
    def that_fails(error, removal=None):
        made = Unit(error, removal)
        monkeypatch.setattr(module, "DockerContainer", made)
        return made

    return that_fails


def test_what_starts_is_given_back_and_stays(unit):
    made = unit(None)
    assert launch(SPEC, None) is made.made
    assert made.made.calls == []


@pytest.mark.parametrize("removal", [None, requests.ReadTimeout("slow"), api_error(500, "shim")])
@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (api_error(500, "iptables failed"), NotJudgedError),
        (requests.ReadTimeout("Read timed out."), requests.ReadTimeout),
    ],
)
def test_what_was_made_and_does_not_start_is_removed_by_its_name(unit, error, raised, removal):
    made = unit(error, removal)
    with pytest.raises(raised, match=r"iptables failed|Read timed out"):
        launch(SPEC, None)
    assert made.asked == ["harness-r1-website-2"]
    assert made.made.calls == [("remove", True, True)]


def test_settings_of_the_kernel_and_a_limit_of_cores_are_the_engine_s_to_hold(unit, monkeypatch):
    made, asked = unit(None), []
    monkeypatch.setattr(made, "with_kwargs", lambda **options: asked.append(options))
    launch(replace(SPEC, sysctls={"net.x": "1"}, cpus=0.5), None)
    launch(SPEC, None)
    assert [(one.get("sysctls"), one.get("nano_cpus")) for one in asked] == [
        ({"net.x": "1"}, 500_000_000),
        (None, None),
    ]


def test_who_has_the_name_already_is_left_alone(unit):
    made = unit(api_error(409, "The container name is already in use by container c0ffee"))
    with pytest.raises(NotJudgedError, match="already in use"):
        launch(SPEC, None)
    assert made.asked == []


STARTING = "OCI runtime create failed: runc create failed: unable to start container process: "


@pytest.mark.parametrize(
    "error",
    [
        api_error(400, STARTING + 'exec: "serve": executable file not found in $PATH: unknown'),
        api_error(400, STARTING + 'error during container init: exec: "/etc": permission denied'),
        api_error(400, STARTING + 'exec: "/x": stat /x: no such file or directory: unknown'),
        api_error(500, STARTING + "exec user process caused: exec format error"),
        api_error(500, STARTING + "chdir to cwd (/app) set in config.json failed: not found"),
        api_error(500, "crun: executable file `serve` not found in $PATH: No such file: OCI"),
        api_error(400, "no command specified"),
        api_error(500, "unable to find user web: no matching entries in passwd file"),
        image_missing("shop:2"),
    ],
)
def test_an_image_that_no_engine_could_run_is_its_own_fault(unit, error):
    unit(error)
    with pytest.raises(UnfitImageError, match="the engine could not start shop:2"):
        launch(SPEC, None)


@pytest.mark.parametrize(
    "text",
    [
        "failed to set up container networking: no available IPv4 addresses on this network",
        STARTING + "error during container init: fork/exec: cannot allocate memory",
        STARTING + "error mounting volume to rootfs: permission denied",
        "dial unix /run/containerd/containerd.sock: connect: connection refused",
        "dial unix /run/containerd/containerd.sock: connect: no such file or directory",
        'failed to start shim: exec: "containerd-shim-runc-v2": executable file not found in $PATH',
        "driver failed programming external connectivity: iptables failed",
    ],
)
def test_what_the_engine_lacks_is_no_fault_of_the_image(unit, text):
    unit(api_error(500, text))
    with pytest.raises(NotJudgedError, match="harness-r1-website-2") as info:
        launch(SPEC, None)
    assert not isinstance(info.value, UnfitImageError)


def test_a_full_disk_of_the_engines_is_missing_evidence(unit):
    unit(api_error(500, "write /var/lib/docker: no space left on device"))
    with pytest.raises(MissingEvidenceError, match="no space left to start harness-r1-website-2"):
        launch(SPEC, None)
