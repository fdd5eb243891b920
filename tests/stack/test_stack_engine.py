"""The engine: clear words where none answers, and a sweep that removes only what is dead."""

import gc
import hashlib
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import docker
import docker.errors
import pytest
import requests
from fake_engine import FakeClient, FakeContainer, FakeImages, FakeThing, api_error

from harness.model.errors import NotJudgedError
from harness.stack.engine import (
    absent_is_fine,
    connect,
    described,
    remove_labelled,
    remove_run,
    sweep,
)
from harness.stack.owner import LABEL, Owner

ME = Owner.this_process()
LIVING = ME.labels("r1", 0)
DEAD = replace(ME, pid=2**22 + 1, started="1").labels("r2", 0)
FOREIGN = replace(ME, boot="another").labels("r3", 4_000_000_000)


def test_no_engine_is_named_with_its_remedy(monkeypatch):
    monkeypatch.delenv("DOCKER_HOST", raising=False)

    def silent():
        raise docker.errors.DockerException("Error while fetching server API version: nobody")

    monkeypatch.setattr(docker, "from_env", silent)
    with pytest.raises(NotJudgedError, match=r"no Docker engine answers; run `make setup`, or st"):
        connect()


# docker-py leaves the socket that it could not connect to the collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("host", ["unix:///nonexistent", "tcp://127.0.0.1:1", "nonsense://"])
def test_an_address_that_nobody_answers_at_is_named(monkeypatch, host):
    monkeypatch.setenv("DOCKER_HOST", host)
    try:
        connect()
    except NotJudgedError as error:
        text = str(error)
    gc.collect()
    assert f"at DOCKER_HOST={host}; correct it, or unset it" in text


@pytest.mark.parametrize(
    "error",
    [
        docker.errors.DockerException("('Connection aborted.', PermissionError(13, 'P…'))"),
        requests.ConnectionError("Permission denied"),
    ],
)
def test_a_socket_that_refuses_this_user_is_told_from_no_engine(monkeypatch, error):
    class Refusing:
        def ping(self):
            raise error

    monkeypatch.setattr(docker, "from_env", Refusing)
    with pytest.raises(NotJudgedError, match=r"permission denied\); add the user to the `docker`"):
        connect()


def test_a_sweep_removes_what_is_dead_and_keeps_what_lives():
    dead, living = FakeContainer("dead", labels=DEAD), FakeContainer("living", labels=LIVING)
    nets = [FakeThing("dead", DEAD), FakeThing("living", LIVING), FakeThing("foreign", FOREIGN)]
    volumes = [FakeThing("dead", DEAD), FakeThing("foreign", FOREIGN)]
    client = FakeClient(containers=[dead, living], networks=nets, volumes=volumes)
    swept = sweep(client)
    assert swept.removed == ("container dead", "network dead", "volume dead")
    assert swept.kept == (
        "container living",
        "network living",
        "network foreign",
        "volume foreign",
    )
    assert dead.calls == [("remove", True, True)]
    assert living.calls == []
    assert [thing.removed for thing in (*nets, *volumes)] == [1, 0, 0, 1, 0]
    assert client.filters == [{"label": LABEL}] * 3, "only what carries our label is looked at"


def test_a_sweep_of_everything_adds_what_cannot_be_seen_and_nothing_that_lives():
    client = FakeClient(networks=[FakeThing("living", LIVING), FakeThing("foreign", FOREIGN)])
    swept = sweep(client, everything=True)
    assert (swept.removed, swept.kept) == (("network foreign",), ("network living",))


@pytest.mark.parametrize(
    "error",
    [api_error(404, "No such container"), api_error(409, "removal of x is already in progress")],
)
def test_gone_already_and_being_removed_are_success(error):
    dead, other = FakeContainer("dead", labels=DEAD), FakeContainer("other", labels=DEAD)
    dead.errors["remove"] = error
    sweep(FakeClient(containers=[dead, other]))
    assert other.calls == [("remove", True, True)]


@pytest.mark.parametrize("status", [409, 500])
def test_another_refusal_is_not_swallowed(status):
    with pytest.raises(docker.errors.APIError), absent_is_fine():
        raise api_error(status, "volume is in use")


def test_what_the_engine_will_not_remove_is_said_and_holds_up_nothing_else():
    used, other = FakeThing("used", DEAD), FakeThing("other", DEAD)
    used.error = api_error(409, "volume is in use")
    swept = sweep(FakeClient(volumes=[used, other]))
    assert swept.refused == ("volume used: volume is in use",)
    assert swept.removed == ("volume other",)


def test_an_engine_that_does_not_answer_one_removal_is_asked_for_the_others():
    """It may be busy with that very one for longer than its client waits."""
    slow, other = FakeContainer("slow", labels=DEAD), FakeContainer("other", labels=DEAD)
    slow.errors["remove"] = requests.ReadTimeout("Read timed out. (read timeout=60)")
    net = FakeThing("dead", DEAD)
    client = FakeClient(containers=[slow, other], networks=[net])
    swept = sweep(client)
    assert swept.refused == ("container slow: Read timed out. (read timeout=60)",)
    assert swept.removed == ("container other", "network dead")
    with pytest.raises(requests.ReadTimeout):
        remove_run(client, "r2")
    assert net.removed == 2


def test_all_of_one_run_is_removed_whoever_owns_it_and_the_first_error_raised():
    box, net = FakeContainer("a", labels=LIVING), FakeThing("n", LIVING)
    box.errors["remove"] = api_error(500, "driver failed")
    volume = FakeThing("v", LIVING)
    client = FakeClient(containers=[box], networks=[net], volumes=[volume])
    with pytest.raises(docker.errors.APIError, match="driver failed"):
        remove_run(client, "r1")
    assert (net.removed, volume.removed) == (1, 1)
    assert client.filters == [{"label": f"{LABEL}=r1"}] * 3


def test_a_sweep_removes_the_dead_runs_socket_folder():
    folder = Path(tempfile.mkdtemp(prefix="harness-r2-"))
    (folder / "admin.sock").touch()
    thing = FakeThing("dead", DEAD | {f"{LABEL}.folder": str(folder)})
    sweep(FakeClient(volumes=[thing]))
    assert not folder.exists()


@pytest.mark.parametrize("name", ["mine", "harness-mine"])
def test_a_label_cannot_have_any_other_folder_removed(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    sweep(FakeClient(volumes=[FakeThing("dead", DEAD | {f"{LABEL}.folder": str(folder)})]))
    escaping = f"{tempfile.gettempdir()}/../{name}"
    sweep(FakeClient(volumes=[FakeThing("dead", DEAD | {f"{LABEL}.folder": escaping})]))
    assert folder.is_dir()


def test_a_living_runs_folder_is_kept():
    folder = Path(tempfile.mkdtemp(prefix="harness-r1-"))
    try:
        sweep(FakeClient(volumes=[FakeThing("v", LIVING | {f"{LABEL}.folder": str(folder)})]))
        assert folder.is_dir()
    finally:
        folder.rmdir()


def test_an_object_without_labels_is_no_crash():
    assert sweep(FakeClient(networks=[FakeThing("odd", None)])).removed == ("network odd",)


def test_the_engine_is_that_of_the_chosen_docker_context(monkeypatch, tmp_path):
    """Docker Desktop: `docker` follows its context, and docker-py by itself does not."""
    host = f"unix://{tmp_path}/desktop.sock"
    name = "desktop-linux"
    folder = tmp_path / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host}}}
    (folder / "meta.json").write_text(json.dumps(meta), "utf-8")
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": name}), "utf-8")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    # Set first, so that what `connect` sets is undone after the test.
    monkeypatch.setenv("DOCKER_HOST", "")
    asked = []

    def from_env():
        asked.append(os.environ["DOCKER_HOST"])
        raise docker.errors.DockerException("it sleeps")

    monkeypatch.setattr(docker, "from_env", from_env)
    with pytest.raises(NotJudgedError, match=r"desktop\.sock"):
        connect()
    assert asked == [host]


def test_an_engine_that_does_not_say_its_versions_is_recorded_all_the_same():
    told = {"Version": "20.10.24", "ApiVersion": "1.41", "Os": "linux"}
    client = SimpleNamespace(version=lambda: told)
    assert described(client) == {"engine_version": "20.10.24", "engine_api": "1.41", "kernel": ""}


def test_an_image_that_was_built_for_a_dead_run_goes_and_no_other():
    """Whoever builds on one inherits its labels; its name tells that it is a run's own."""
    images = FakeImages()
    images.labelled = [
        SimpleNamespace(tags=["harness-r2-website:latest"], labels=DEAD),
        SimpleNamespace(tags=["my/app:1", "harness-r22-website:latest"], labels=DEAD),
        SimpleNamespace(tags=["harness-r1-website:latest"], labels=LIVING),
        SimpleNamespace(tags=[], labels=DEAD),
    ]
    swept = sweep(FakeClient(images=images))
    assert (images.removed, swept.removed) == (
        ["harness-r2-website:latest"], ("image harness-r2-website:latest",),
    )  # fmt: skip


def test_what_another_label_names_is_removed():
    net = FakeThing("n", {"com.docker.compose.project": "p"})
    client = FakeClient(networks=[net])
    remove_labelled(client, "com.docker.compose.project=p")
    assert net.removed == 1
    assert client.filters == [{"label": "com.docker.compose.project=p"}] * 3
