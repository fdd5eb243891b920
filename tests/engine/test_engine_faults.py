"""Disturbances on a real engine: they end by themselves, and teardown does not wait for that."""

import threading
import urllib.error
import urllib.request

import docker
import pytest
from left import left
from stacks import brought_up

from harness.timeline import SystemTime, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.alone]


def refuses(host: str, port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://{host}:{port}/", timeout=5).close()
    except urllib.error.URLError as error:
        return isinstance(error.reason, ConnectionRefusedError)
    return False


def test_a_refusal_is_met_ends_by_itself_and_nothing_of_it_is_left(
    engine: docker.DockerClient, tmp_path
):
    with brought_up(engine, tmp_path, disturbed=True, path="edge") as up:
        disturbance = up.stack.disturbance()
        why = disturbance.lack_of_packets("edge")
        if why:
            pytest.skip(why)
        where = up.endpoint.host, up.endpoint.port
        assert not refuses(*where)
        held = []
        fault = threading.Thread(
            target=lambda: held.append(disturbance.refuse("edge", 1.0, only_new=True))
        )
        fault.start()
        was_met = wait_until(lambda: refuses(*where), clock=SystemTime(), timeout_s=5)
        fault.join()
        assert was_met
        assert not refuses(*where)
        assert held[0].earliest_ns < held[0].surely_ns < held[0].until_ns < held[0].latest_ns
        disturbance.pause("website-1")
        up.stack.down()
        assert left(engine, up.run) == []
