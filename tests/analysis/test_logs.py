"""Logs, joined to requests by their ids; what cannot be read costs itself and no other."""

import pytest
from loglines import WALL, balancer, edge, monotonic, said, website, write
from synthetic import RUN, START, S

from harness.analysis.logs import Logs, read_logs


def read(folder, *wanted):
    return read_logs(folder / "logs", RUN, set(wanted), monotonic)


def test_the_lines_of_the_wanted_requests_are_joined_by_their_id(tmp_path):
    write(
        tmp_path,
        edges=[edge(7, status=502, request_s=0.25, response_s="0.240"), edge(8)],
        balancers=[balancer(7, termination="SC--", server="<NOSRV>", retries=3), balancer(8)],
        websites=[website(7, duration_us=2_500), website(8)],
    )
    logs = read(tmp_path, 7)
    assert (set(logs.edge), set(logs.balancer), set(logs.website)) == ({7}, {7}, {7})
    assert (logs.edge[7].status, logs.edge[7].request_ms) == (502, pytest.approx(250))
    assert logs.edge[7].response_ms == pytest.approx(240)
    assert (logs.balancer[7].termination, logs.balancer[7].server) == ("SC", "<NOSRV>")
    assert (logs.website[7].instance, logs.website[7].duration_ms) == ("website-1", 2.5)
    assert logs.known == {"edge", "balancer", "website"}
    assert logs.unread == 0


@pytest.mark.parametrize(("at_first", "at_second"), [(1, 2), (2, 1)])
def test_of_a_visit_that_several_instances_answered_the_latest_line_counts(
    tmp_path, at_first, at_second
):
    """Whoever answered last answered wrongly, in whichever file that is."""
    write(tmp_path, websites=[website(7, at_ns=at_first)])
    other = website(7, at_ns=at_second, instance="website-2")
    (tmp_path / "logs" / "website-2.jsonl").write_text(f"{other}\n")
    logs = read(tmp_path, 7)
    assert logs.website[7].instance == ("website-1" if at_first > at_second else "website-2")
    assert logs.unread == 0


def test_of_several_balancers_the_lines_are_read_in_the_order_of_their_dates(tmp_path):
    """Each has a file of its own, and one may be asked again what another was asked before."""
    write(tmp_path, balancers=[balancer(7, 1.0), said(5.0, "Proxy edge stopped")])
    other = [balancer(8, 3.0), balancer(7, 4.0, termination="SH--")]
    (tmp_path / "logs" / "haproxy-2.log").write_text("".join(f"{line}\n" for line in other))
    logs = read(tmp_path, 7, 8)
    assert {seq: line.termination for seq, line in logs.balancer.items()} == {7: "SH", 8: "--"}
    assert len(logs.ends) == 1
    assert "balancer" in logs.known


def test_lines_of_other_runs_and_of_health_checks_are_passed_over(tmp_path):
    write(
        tmp_path,
        edges=[edge(7, request_id="other-7"), edge(7, request_id="")],
        websites=[website(7, request="")],
    )
    assert read(tmp_path, 7).edge == {}


def test_what_a_proxy_tried_again_is_read_though_nobody_asked(tmp_path):
    write(
        tmp_path,
        edges=[
            edge(3, upstream="10.0.0.3:8080, 10.0.0.3:8080", upstream_status="502, 200",
                 response_s="0.001, 0.002"),
            edge(4),
        ],
        balancers=[balancer(5, retries=1, queue_ms=251), balancer(6)],
    )  # fmt: skip
    logs = read(tmp_path)
    assert (set(logs.edge_retried), set(logs.retried)) == ({3}, {5})
    assert logs.edge_retried[3].tries == 2
    assert logs.edge_retried[3].response_ms == pytest.approx(3)
    assert logs.retried[5].queue_ms == 251


def test_a_try_that_was_not_answered_took_no_time_that_is_known(tmp_path):
    write(tmp_path, edges=[edge(1, response_s="-", upstream="", upstream_status="-")])
    line = read(tmp_path, 1).edge[1]
    assert (line.response_ms, line.tries) == (0, 0)


def test_what_haproxy_says_of_its_servers_is_dated_on_the_monotonic_clock(tmp_path):
    write(
        tmp_path,
        balancers=[
            said(12.5, "Server website/slot1 is DOWN, reason: Layer4 timeout, 9ms."),
            said(13.0, "Server website/slot1 is UP, reason: Layer7 check passed, code: 200."),
            said(13.5, "backend website has no server available!"),
            "no date at all",
        ],
    )
    down, up = read(tmp_path).changes
    assert (down.at_ns, down.server, down.is_down, down.is_up) == (
        START + int(12.5 * S), "slot1", True, False,
    )  # fmt: skip
    assert (up.is_down, up.is_up) == (False, True)


@pytest.mark.parametrize("broken", ["{", '{"a": 1}', "", "\x00", "[]"])
def test_a_line_that_cannot_be_read_is_counted_and_costs_no_other(tmp_path, broken):
    cut = edge(7)[:-20]
    write(tmp_path, edges=[cut, broken, edge(8)], balancers=[broken, balancer(8)])
    logs = read(tmp_path, 7, 8)
    assert set(logs.edge) == set(logs.balancer) == {8}
    assert logs.unread == 1


def test_a_target_without_logs_knows_nothing(tmp_path):
    assert read(tmp_path, 1) == Logs()


def test_what_could_not_be_gathered_is_known_and_bounded(tmp_path):
    write(tmp_path, edges=[edge(7)])
    assert read(tmp_path, 7).missing == ""
    errors = tmp_path / "logs" / "gathering-errors.txt"
    errors.write_bytes(b"log volume: \xff gone\nwebsite-1: no such container\n")
    assert read(tmp_path, 7).missing == "log volume: \ufffd gone; website-1: no such container"
    errors.write_text("x" * 100_000)
    assert len(read(tmp_path, 7).missing) == 500


@pytest.mark.parametrize(
    "line",
    [
        website("9" * 5_000),
        website(7).replace('"duration_us": 1000', '"duration_us": 1e999'),
        website(7).replace('"duration_us": 1000', '"duration_us": 1' + "0" * 400),
        website(7).replace('"duration_us": 1000', '"duration_us": ' + "[" * 100_000),
        website(7).replace(f'"at_ns": {WALL}', '"at_ns": 1' + "0" * 400),
    ],
    ids=["seq", "infinite", "beyond any float", "nested", "beyond any date"],
)
def test_what_a_release_may_write_raises_nothing(tmp_path, line):
    write(tmp_path, websites=[line, website(8)])
    assert set(read_logs(tmp_path / "logs", RUN, {7, 8}, drifting).website) == {8}


def drifting(wall_ns):
    """As a history's clocks do it: by a share of the run."""
    return monotonic(wall_ns) + int(0.1 * (wall_ns / S))


def test_the_website_is_known_where_each_of_its_instances_left_a_log(tmp_path):
    write(tmp_path, edges=[edge(7)], balancers=[balancer(7)], websites=[website(7)])
    of_two = {
        name: read_logs(tmp_path / "logs", RUN, {7}, monotonic, instances=("website-1", name))
        for name in ("website-1", "website-2")
    }
    assert of_two["website-1"].known == {"edge", "balancer", "website"}
    assert of_two["website-2"].known == {"edge", "balancer"}
    assert set(of_two["website-2"].website) == {7}


def test_a_proxy_s_log_without_a_line_tells_nothing(tmp_path):
    write(tmp_path)
    assert read(tmp_path, 7).known == {"website"}


def test_an_instance_s_name_is_bounded_and_can_be_printed(tmp_path):
    write(tmp_path, websites=[website(7, instance="\ud800\x1b" + "x" * 2_000)])
    assert read(tmp_path, 7).website[7].instance == "\ufffd\ufffd" + "x" * 58
