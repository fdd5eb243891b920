"""The Swarm stack: what its files say; its health check and its script do what they say."""

import http.server
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml  # bokeh's own dependency

from harness.stack.modes import MODES

ROOT = Path(__file__).parents[2]
APP = ROOT / "sample_app"
STACK = yaml.safe_load((APP / "stack.yaml").read_text("utf-8"))
PUBLISHED = yaml.safe_load((APP / "swarm" / "published.yaml").read_text("utf-8"))
SERVICES = STACK["services"]
WEBSITE = SERVICES["website"]
MODE = MODES["dns-slowstart"]
BASH = shutil.which("bash")
needs_bash = pytest.mark.skipif(BASH is None, reason="the health check is bash's")


def seconds(text: str) -> float:
    match = re.fullmatch(r"([0-9.]+)(ms|s)", text)
    assert match, text
    return float(match[1]) * {"ms": 0.001, "s": 1.0}[match[2]]


def test_the_stack_is_the_posts():
    assert set(SERVICES) == {"edge", "balancer", "website", "store"}


def test_nothing_is_published():
    """A swarm's ports are on every address of a node."""
    assert [name for name, service in SERVICES.items() if "ports" in service] == []


def test_what_is_laid_over_it_publishes_the_edge_alone():
    assert set(PUBLISHED["services"]) == {"edge"}
    assert PUBLISHED["services"]["edge"] == {
        "ports": [{"target": 80, "published": 8080, "mode": "host"}]
    }


@pytest.mark.parametrize("way", ["update_config", "rollback_config"])
def test_the_new_task_starts_before_the_old_one_ends(way):
    config = WEBSITE["deploy"][way]
    assert config["order"] == "start-first"
    assert config["parallelism"] == 1


def test_an_update_that_fails_while_it_is_watched_is_rolled_back():
    config = WEBSITE["deploy"]["update_config"]
    assert config["failure_action"] == "rollback"
    assert config["max_failure_ratio"] == 0
    assert seconds(config["monitor"]) >= 5


def test_no_service_needs_a_virtual_address():
    assert {service["deploy"]["endpoint_mode"] for service in SERVICES.values()} == {"dnsrr"}


def test_the_balancer_follows_the_websites_tasks():
    [template] = [line for line in sections(balancer())["backend website"] if "template" in line]
    assert "tasks.website:8000" in template
    assert {"check", "resolvers"} <= set(template.split())


def test_a_task_has_longer_to_stop_than_it_lingers_and_finishes():
    environment = WEBSITE["environment"]
    needed_s = float(environment["LINGER_S"]) + float(environment["GRACE_S"])
    assert seconds(WEBSITE["stop_grace_period"]) > needed_s + 1


def test_the_balancer_has_longer_to_stop_than_its_hard_stop():
    [line] = [line for line in sections(balancer())["global"] if "hard-stop-after" in line]
    grace_s = seconds(SERVICES["balancer"]["stop_grace_period"])
    assert grace_s > seconds(line.split()[1])


def test_proxies_are_told_to_stop_by_the_signals_that_finish_what_is_in_flight():
    assert SERVICES["edge"]["stop_signal"] == "SIGQUIT"
    assert SERVICES["balancer"]["stop_signal"] == "SIGUSR1"


def test_a_lingering_task_is_not_taken_for_a_sick_one():
    check = WEBSITE["healthcheck"]
    sick_s = seconds(check["interval"]) * (check["retries"] - 1)
    assert sick_s > float(WEBSITE["environment"]["LINGER_S"])


def test_each_config_is_a_file_that_is_used_where_the_command_looks_for_it():
    for name, service in SERVICES.items():
        for config in service.get("configs", ()):
            assert config["source"] == name
            assert (APP / STACK["configs"][name]["file"]).is_file()
            assert config["target"] in " ".join(service["command"])


def balancer() -> str:
    return (APP / "swarm" / "haproxy.cfg").read_text("utf-8")


def sections(text: str) -> dict[str, set[str]]:
    """Lines of a configuration of HAProxy's by section, without comments."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line.strip() and not line.strip().startswith("#"):
            if not line.startswith(" "):
                lines = found.setdefault(line.strip(), set())
            else:
                lines.add(line.strip())
    return found


def test_the_balancers_manners_are_those_that_were_measured():
    """Those of the bundled stack for a stop of which nobody tells the balancer."""
    ours = sections(MODE.configuration("roundrobin", 1, 8000))
    here = sections(balancer())
    assert here["defaults"] - ours["defaults"] == {"option httplog", "option dontlog-normal"}
    assert ours["defaults"] <= here["defaults"]
    assert here["resolvers engine"] == ours["resolvers engine"]
    pool = {line for line in ours["backend website"] if not line.startswith("server-template")}
    assert pool <= here["backend website"]
    assert WEBSITE["environment"]["LINGER_S"] == MODE.environment["LINGER_S"]


class Ready(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self):
        self.send_response(self.status if self.path == "/ready" else 404)
        self.end_headers()

    def log_message(self, *_):
        """Nothing."""


class NotReady(Ready):
    status = 503


@pytest.fixture
def port(request) -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), request.param) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def health(port: int) -> int:
    """The exit code of the stack's health check, for a website at that port."""
    kind, program, option, script = WEBSITE["healthcheck"]["test"]
    assert (kind, program, option) == ("CMD", "bash", "-c")
    assert "127.0.0.1/8000" in script
    asked = script.replace("/8000", f"/{port}").replace("$$", "$")
    done = subprocess.run([BASH, "-c", asked], capture_output=True, timeout=10, check=False)
    return done.returncode


@needs_bash
@pytest.mark.parametrize("port", [Ready], indirect=True)
def test_a_task_that_is_ready_is_healthy(port):
    assert health(port) == 0


@needs_bash
@pytest.mark.parametrize("port", [NotReady], indirect=True)
def test_a_task_that_answers_503_is_not(port):
    assert health(port) != 0


@needs_bash
def test_a_task_that_does_not_listen_is_not():
    # No program has port 1 on a machine like these.
    assert health(1) != 0


@pytest.fixture
def ended(tmp_path):
    """Runs the script, with a stand-in for docker that says one state after another."""

    def run(*states: str, wanted: str = "completed", code: int = 0):
        (tmp_path / "states").write_text("".join(f"{state}\n" for state in states))
        (tmp_path / "docker").write_text(
            "#!/bin/sh\n"
            'cd "$(dirname "$0")"\n'
            'echo "$@" >>asked\n'
            "head -n 1 states\n"
            '[ "$(wc -l <states)" = 1 ] || sed -i 1d states\n'
            f"exit {code}\n"
        )
        (tmp_path / "docker").chmod(0o755)
        return subprocess.run(
            [str(APP / "swarm" / "ended.sh"), "site_website", wanted],
            env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    return run


def test_an_update_that_ended_as_it_was_to_is_a_success(ended, tmp_path):
    assert ended("completed").returncode == 0
    assert ended("rollback_completed", wanted="rollback_completed").returncode == 0
    assert "site_website" in (tmp_path / "asked").read_text()


def test_what_is_under_way_is_waited_for(ended, tmp_path):
    assert ended("updating", "", "updating", "completed").returncode == 0
    assert len((tmp_path / "asked").read_text().splitlines()) == 4


@pytest.mark.parametrize("state", ["rollback_completed", "paused", "rollback_paused"])
def test_an_update_that_ended_otherwise_is_none_and_says_so(ended, state):
    done = ended("updating", "rollback_started", state)
    assert done.returncode == 1
    assert done.stderr == (
        f"site_website: the update ended as '{state}', not 'completed'; "
        "docker service ps site_website says why\n"
    )


def test_an_engine_that_does_not_tell_is_no_success(ended):
    assert ended("completed", code=1).returncode == 1


def test_the_document_has_the_commands_that_the_scenarios_run():
    """They take them from there, by their order."""
    text = (ROOT / "docs" / "swarm.md").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.startswith("    harness verify ")]
    updates, rollbacks, refusals, refused = lines
    assert "docker service update" in updates
    assert "ended.sh site_website completed" in updates
    assert "docker service rollback" in rollbacks
    assert "--swaps 10" in updates
    assert "--swaps 10" in rollbacks
    assert "--swaps 10" in refusals
    assert "ended.sh site_website rollback_completed" in refusals
    assert "ended.sh site_website completed" in refused
