"""From settings to a plan, with a `docker` command that does as it is told: no engine is asked."""

import pytest
from fakes.clock import FakeTime
from projects import DIRECT, PROXIED, changed

from harness import cli
from harness.config import Settings, load
from harness.model.errors import NotJudgedError
from harness.model.outcome import Outcome
from harness.model.traffic import Connection, Tls
from harness.stack.compose.target import ComposeTarget
from harness.swap.strategy import Steps
from harness.target import DescribesItself, KeepsLogs, KnowsRemedies
from harness.timeline import Timeline
from harness.verify import default_traffic, plan, prepared

BY_SCALING = {"service": "website", "swap": "scale-then-stop", "new_image": "my/app:2"}
BY_COMMAND = {"service": "website", "deploy": "docker compose up -d website"}


@pytest.fixture(autouse=True)
def shop(tmp_path, monkeypatch):
    (tmp_path / "compose.yaml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def planned(**settings):
    return prepared("R1", Settings(compose="compose.yaml", **settings))


def refusal(**settings):
    with pytest.raises(NotJudgedError) as caught:
        planned(**settings)
    return str(caught.value)


def test_a_swap_by_compose_is_planned_and_nothing_is_started(docker, shop):
    calls = docker(config=PROXIED)
    scenario, parts = planned(**BY_SCALING, ready_timeout_s=50)
    assert (scenario.target, scenario.swap, scenario.releases) == (
        "compose", "scale-then-stop", ("", ""),
    )  # fmt: skip
    assert scenario.settings == {
        "service": "website", "front": "front:80", "ready_timeout_s": 50.0,
        "new_image": "my/app:2",
    }  # fmt: skip
    assert scenario.timing.probe_s == 50
    assert isinstance(parts.target, ComposeTarget)
    assert isinstance(parts.target, DescribesItself | KeepsLogs | KnowsRemedies)
    assert [line.split()[2:4] for line in calls.read_text().splitlines()] == [
        ["version", "--short"], ["--ansi", "never"],
    ]  # fmt: skip
    assert not (shop / "reports").exists()


def test_a_command_is_told_the_project_that_it_acts_on(docker, shop):
    docker(config=PROXIED)
    told = "echo $COMPOSE_PROJECT_NAME $COMPOSE_FILE $HARNESS_RUN $HARNESS_SWAP"
    _, parts = planned(service="website", deploy=told)
    folder = shop / "reports" / "deploy" / "R1"
    folder.mkdir(parents=True)
    timeline = Timeline(folder / "marks.jsonl", FakeTime())
    parts.replace(Steps(timeline, swap=1, old="", new=""))
    timeline.close()
    assert (folder / "logs" / "deploy-1.printed.txt").read_text() == (
        f"harness-x {shop}/compose.yaml:{folder}/compose.old.yaml R1 1\n"
    )
    assert parts.environment["deploy"] == told


def test_traffic_is_of_the_page_by_the_scheme_of_the_front():
    traffic = default_traffic(Settings(compose="c", page=("/shop?q=1",), tls=True, health="/up"))
    assert {(each.path, each.tls) for each in traffic.streams} == {
        ("/shop?q=1", Tls.resume), ("/shop?q=1", Tls.full),
    }  # fmt: skip
    assert {each.connection for each in traffic.streams} == {Connection.reuse, Connection.new}
    assert traffic.health == "/up"
    plain = default_traffic(Settings(compose="c"))
    assert ({each.tls for each in plain.streams}, plain.health) == ({Tls.off}, "")


@pytest.mark.parametrize(
    ("config", "settings", "said"),
    [
        (PROXIED, BY_SCALING | {"service": "shop"}, "compose: service: there is no service 'shop'"),
        (PROXIED, BY_SCALING | {"swap": "drain"}, "compose: swap 'drain' is not one that Compose"),
        (DIRECT, BY_SCALING, "compose: swap scale-then-stop runs two containers"),
        (
            changed(PROXIED, "front", ports=None),
            BY_SCALING,
            "compose: no service publishes a port, so nothing gets the load",
        ),
        (
            DIRECT,
            BY_COMMAND | {"path": "edge"},
            "compose: path edge: the front is the swapped service 'website' itself",
        ),
        (PROXIED, BY_COMMAND | {"deploy": "no-such x"}, "deploy: command not found"),
        (PROXIED, BY_SCALING | {"tls": True, "ca": "no.pem"}, "ca: no.pem: No such file"),
        (
            (15, "", 'service "a" depends on undefined service "b": invalid compose project'),
            BY_SCALING,
            'compose: compose.yaml cannot be read: service "a" depends on undefined service "b"',
        ),
    ],
)
def test_what_cannot_be_is_one_message_before_anything_starts(
    docker, config, settings, said, shop, capsys
):
    docker(config=config)
    assert refusal(**settings).startswith(said)
    flags = [
        part
        for name, value in settings.items()
        for part in (f"--{name.replace('_', '-')}", *([] if value is True else [str(value)]))
    ]
    assert cli.main(["verify", "--compose", "compose.yaml", *flags]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"harness: {said}")
    assert len(err.splitlines()) == 1
    assert not (shop / "reports").exists()


def test_several_pages_and_streams_are_asked_of_the_front():
    pages = default_traffic(Settings(compose="c", page=("/a", "/b")))
    assert [(each.path, each.origin) for each in pages.streams] == [
        ("/a", ""), ("/a", ""), ("/b", ""), ("/b", ""),
    ]  # fmt: skip
    said = load({"compose": "c", "streams": ["order POST /orders body=x expect_status=201"]})
    [stream] = default_traffic(said).streams
    assert (stream.method, stream.path, stream.origin) == ("POST", "/orders", "")


def test_a_stream_that_is_sent_elsewhere_is_refused():
    said = load({"compose": "c", "streams": ["order GET http://shop.test/"]})
    with pytest.raises(NotJudgedError, match=r"stream 'order' is sent to http://shop\.test, which"):
        default_traffic(said)


def test_a_health_path_is_asked_only_where_one_is_named():
    assert default_traffic(Settings(compose="c")).health == ""
    assert default_traffic(Settings(compose="c", health="/ready")).health == "/ready"


def test_faults_and_strategies_are_the_bundled_stacks(docker):
    docker(config=PROXIED)
    with pytest.raises(NotJudgedError, match="compose: faults, strategies and variations"):
        plan(Settings(compose="compose.yaml", **BY_COMMAND), faults=[object()])


@pytest.mark.parametrize(
    ("outcome", "status", "said"),
    [
        (Outcome.wrong_status, 404, "correct --page or --health, or say --expect-status 404"),
        (Outcome.wrong_body, 200, "correct the text after --expect-text"),
        (Outcome.untrusted, 0, "say --ca with the authority of its certificate"),
        (Outcome.refused, 0, "check that service 'front', port 80 answers HTTP, or name another"),
    ],
)
def test_what_to_do_where_no_answer_was_right(docker, outcome, status, said):
    docker(config=PROXIED)
    _, parts = planned(**BY_SCALING)
    assert parts.target.remedy(outcome, status).startswith(said)
