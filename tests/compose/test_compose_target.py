"""A project brought up on an engine on paper, by a `docker` command that does as it is told."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from fake_engine import FakeClient, FakeContainer, FakeImages, FakeThing
from fakes.clock import FakeTime
from projects import PROXIED, changed

from harness.config import Settings
from harness.model.errors import MissingEvidenceError, NotJudgedError, ReleaseError
from harness.model.outcome import Outcome
from harness.stack.compose import swaps, target
from harness.stack.compose.plan import project_name
from harness.stack.owner import LABEL
from harness.swap.strategy import Steps
from harness.timeline import Timeline
from harness.verify import prepared

RUN = "20260101T000000Z-beef"
PROJECT = project_name(RUN)
TOLD = PROXIED | {"name": PROJECT}


class Engine(FakeClient):
    """Its containers are found by Compose's labels; what is removed is gone."""

    def __init__(self, *containers: FakeContainer) -> None:
        self.all = list(containers)
        self.network = FakeThing("n", {})
        super().__init__(networks=[self.network], images=FakeImages(here=["my/app:2"]))
        self.containers = SimpleNamespace(list=self._list, get=self._get)

    def _list(self, *, filters, all=False, ignore_removed=False):  # noqa: A002 (docker-py's)
        wanted = filters["label"]
        wanted = [wanted] if isinstance(wanted, str) else wanted
        return [
            each
            for each in self.all
            if (all or each.status == "running")
            and all_in(each.labels, wanted)
            and ("remove", True, True) not in each.calls
        ]

    def _get(self, name):
        return next(each for each in self.all if each.name == name)

    def version(self):
        return {"Version": "28.0", "ApiVersion": "1.48", "KernelVersion": "6"}


def all_in(labels, wanted):
    return all(
        labels.get(name) == value if sign else name in labels
        for name, sign, value in (each.partition("=") for each in wanted)
    )


def container(service, number=1, *, status="running", code=0, printed=b"", **more):
    labels = {"com.docker.compose.project": PROJECT, "com.docker.compose.service": service}
    made = FakeContainer(
        f"{PROJECT}-{service}-{number}", labels=labels, status=status, printed=printed, **more
    )
    made.id = f"{service}{number}0000000"
    made.attrs |= {
        "State": {"Running": status == "running", "ExitCode": code},
        "Created": f"2026-01-01T00:00:0{number}Z",
        "Config": {"Image": "my/app:1", "StopTimeout": 30},
        "Image": "sha256:aa",
    }
    return made


class Rig:
    """A target about to come up, with its timeline, on that engine."""

    def __init__(self, folder: Path, engine: Engine, parts) -> None:
        self.engine = engine
        self.parts = parts
        self.target = parts.target
        self.folder = folder
        self.marks = []
        self.timeline = Timeline(folder / "marks.jsonl", FakeTime(), self.marks.append)


@pytest.fixture
def rig(tmp_path, monkeypatch, docker):
    made = []

    def make(*containers, told=TOLD, up=(0, "", ""), **settings):
        docker(config=told, up=up)
        monkeypatch.chdir(tmp_path)
        (tmp_path / "compose.yaml").touch()
        engine = Engine(*containers)
        monkeypatch.setattr(target, "connect", lambda: engine)
        monkeypatch.setattr(target, "EventWatch", Watch)
        chosen = {"swap": "scale-then-stop", "new_image": "my/app:2"} | settings
        scenario, parts = prepared(
            RUN, Settings(compose="compose.yaml", service="website", **chosen)
        )
        folder = tmp_path / "reports" / scenario.name / RUN
        folder.mkdir(parents=True)
        made.append(Rig(folder, engine, parts))
        return made[-1]

    yield make
    for each in made:
        each.target.down()
        each.timeline.close()


class Watch:
    def __init__(self, client, run, timeline, *, label, named) -> None:
        self.label, self.named = label, named

    def stop(self) -> None:
        """Nothing was begun."""


def refusal(rig):
    with pytest.raises(NotJudgedError) as caught:
        rig.target.up(rig.timeline)
    return str(caught.value)


WHOLE = (("front", 1), ("website", 1), ("website", 2))


def test_where_the_fronts_own_address_is_out_of_reach_its_fixed_port_is_asked(rig, monkeypatch):
    asked = []
    monkeypatch.setattr(
        target, "listens", lambda host, port, _clock, is_reachable: asked.append((host, port))
    )
    it = rig(*(container(*each) for each in WHOLE))
    endpoint = it.target.up(it.timeline)
    assert asked == [("10.9.8.7", 80)]
    text = (it.folder / "compose.old.yaml").read_text()
    assert (endpoint.host, endpoint.path) == ("127.0.0.1", "published")
    assert f'"published": "{endpoint.port}"' in text
    assert "image:" not in text
    new = (it.folder / "compose.new.yaml").read_text()
    assert 'image: "my/app:2"' in new
    assert f'"{LABEL}": "{RUN}"' in new


def test_the_fronts_own_address_is_taken_where_it_listens(rig, monkeypatch):
    monkeypatch.setattr(target, "listens", lambda *_, **__: True)
    it = rig(*(container(*each) for each in WHOLE))
    endpoint = it.target.up(it.timeline)
    assert (endpoint.host, endpoint.port, endpoint.tls_port, endpoint.path) == (
        "10.9.8.7", 80, 0, "edge",
    )  # fmt: skip


def test_an_engine_elsewhere_is_asked_by_its_published_port(rig, monkeypatch):
    monkeypatch.setattr(target, "listens", lambda *_, **__: pytest.fail("not to be asked"))
    it = rig(*(container(*each) for each in WHOLE), host="192.0.2.7")
    endpoint = it.target.up(it.timeline)
    assert (endpoint.host, endpoint.path) == ("192.0.2.7", "published")
    assert '"host_ip": "0.0.0.0"' in (it.folder / "compose.old.yaml").read_text()


def test_over_https_the_port_is_the_tls_streams(rig, monkeypatch):
    monkeypatch.setattr(target, "listens", lambda *_, **__: True)
    it = rig(*(container(*each) for each in WHOLE), tls=True)
    endpoint = it.target.up(it.timeline)
    assert (endpoint.port, endpoint.tls_port, endpoint.tls_name) == (0, 80, "localhost")


def test_a_path_that_was_asked_for_and_is_out_of_reach_is_refused(rig, monkeypatch):
    monkeypatch.setattr(target, "listens", lambda *_, **__: False)
    it = rig(*(container(*each) for each in WHOLE), path="edge")
    assert refusal(it).startswith("path: the own address of 'front' cannot be reached from here")


def test_a_front_that_is_swapped_itself_is_asked_by_its_port(rig, monkeypatch):
    monkeypatch.setattr(target, "listens", lambda *_, **__: pytest.fail("not to be asked"))
    told = changed(TOLD, "website", ports=[{"target": 8000}], deploy=None)
    it = rig(*(container(*each) for each in WHOLE), told=told, swap="recreate")
    assert it.target.up(it.timeline).path == "published"


def test_an_old_release_that_ended_is_said_with_its_last_lines(rig):
    ended = container("website", 2, status="exited", code=3, printed=b"no table\n")
    it = rig(container("front"), container("website"), ended)
    assert refusal(it) == (
        "the old release did not start: website-2 ended with exit code 3 before it was ready; its "
        "last lines:\n  no table"
    )


def test_a_front_that_does_not_run_is_said_with_its_last_lines(rig):
    ended = container("front", status="exited", code=1, printed=b"bad config\n")
    it = rig(ended, container("website"))
    assert refusal(it) == (
        "compose: no container of service 'front' runs, once the project was up; see why by "
        "`docker compose up`\nfront-1 ended with exit code 1; its last lines:\n  bad config"
    )


def test_a_project_that_does_not_come_up_is_said_with_who_ended(rig):
    ended = container("website", status="exited", code=3, printed=b"no table\n")
    it = rig(ended, up=(1, "", "dependency failed to start: container exited (3)\n"))
    said = refusal(it)
    assert said.startswith(
        "compose: the project could not be brought up: dependency failed to start: container "
        "exited (3); bring it up by itself"
    )
    assert said.endswith("website-1 ended with exit code 3; its last lines:\n  no table")


def test_an_image_that_is_not_there_is_said_before_anything_is_brought_up(rig, tmp_path):
    it = rig(new_image="my/app:3")
    assert refusal(it).startswith("image: 'my/app:3' is not on this engine and cannot be pulled")
    assert " up " not in (tmp_path / "calls").read_text()


def test_all_of_the_project_is_removed_whoever_made_it(rig):
    it = rig(*(container(*each) for each in WHOLE))
    it.target.up(it.timeline)
    by_hand = container("website", 7, status="exited")
    it.engine.all.append(by_hand)
    it.target.down()
    assert all(("remove", True, True) in each.calls for each in it.engine.all)
    assert it.engine.network.removed
    assert it.engine.closed == 1
    it.target.down()


def test_what_it_is_made_of_is_recorded(rig):
    it = rig(*(container(*each) for each in WHOLE))
    it.target.up(it.timeline)
    told = it.target.environment()
    assert told["compose_version"] == "2.26.1-4"
    assert told["engine_version"] == "28.0"
    assert told["image_website-2"] == "my/app:1 sha256:aa"
    assert "container_name my-redis is an alias" in told["compose_changes"]


def test_logs_are_gathered_by_container(rig):
    it = rig(*(container(*each, printed=b"hello\n") for each in WHOLE))
    it.target.up(it.timeline)
    it.target.gather(it.folder / "logs")
    assert {path.name for path in (it.folder / "logs").iterdir()} == {
        "front-1-front1.printed.txt", "website-1-websit.printed.txt",
        "website-2-websit.printed.txt",
    }  # fmt: skip


def test_who_ended_is_told_with_what_to_do_where_no_answer_is_right(rig):
    it = rig(*(container(*each) for each in WHOLE))
    it.target.up(it.timeline)
    it.engine.all.append(container("store", status="exited", code=9, printed=b"full\n"))
    assert it.target.remedy(Outcome.wrong_status, 503) == (
        "correct --page or --health, or say --expect-status 503\n"
        "store-1 ended with exit code 9; its last lines:\n  full"
    )


def moved(rig, tmp_path, swap, *, number=1, up=(0, "", "")):
    """What Compose was told by that swap."""
    it = rig
    it.target.up(it.timeline)
    docker_up = tmp_path / "bin" / "up.err"
    docker_up.write_text(up[2])
    if up[0]:
        script = tmp_path / "bin" / "docker"
        script.write_text(script.read_text().replace("exit 0;;", f"exit {up[0]};;"))
    (tmp_path / "calls").write_text("")
    it.target.replacing(swap)(Steps(it.timeline, swap=number, old="", new=""))
    return (tmp_path / "calls").read_text().splitlines()


@pytest.mark.parametrize(("number", "release"), [(1, "new"), (2, "old"), (3, "new")])
def test_compose_is_told_the_image_of_that_swap_and_neither_pulls_nor_builds(
    rig, tmp_path, number, release
):
    it = rig(*(container(*each) for each in WHOLE), swap="recreate")
    [line] = moved(it, tmp_path, swaps.recreate, number=number)
    assert line.endswith(
        f"-p {PROJECT} -f {tmp_path}/compose.yaml -f {it.folder}/compose.{release}.yaml up -d "
        "--no-deps --no-build --pull never --force-recreate --scale website=2 website"
    )


def test_the_old_ones_are_stopped_with_the_patience_of_their_service(rig, tmp_path):
    olds = [container(*each) for each in WHOLE]
    it = rig(*olds)
    [line] = moved(it, tmp_path, swaps.scale_then_stop)
    assert "--no-recreate --scale website=4 website" in line
    for old in olds[1:]:
        assert ("stop", 30) in old.calls
        assert old.calls[-1] == ("remove", True, True)
    assert ("stop", 30) not in olds[0].calls


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("exec: no such file", ReleaseError),
        ("write: no space left on device", MissingEvidenceError),
        ("Cannot connect to the Docker daemon at unix:///x", MissingEvidenceError),
    ],
)
def test_who_is_to_blame_where_compose_starts_nothing(rig, tmp_path, said, error):
    it = rig(*(container(*each) for each in WHOLE))
    with pytest.raises(error, match=said):
        moved(it, tmp_path, swaps.scale_then_stop, up=(1, "", f"{said}\n"))


def test_a_container_that_is_gone_is_nobodys_defect(rig):
    it = rig(*(container(*each) for each in WHOLE))
    it.target.up(it.timeline)
    instance = replace(it.target._moves().running()[0], name="website-9")

    def missing(_name):
        raise target.docker.errors.NotFound("no such container")

    it.engine.containers.get = missing
    with pytest.raises(ReleaseError, match="website-9 is gone: something removed it"):
        it.target._moves().stop(instance)
