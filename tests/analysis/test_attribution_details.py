"""What attribution rests on, part by part: whose was an address, where did the time go, who is
named where logs disagree or say nothing.
"""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from loglines import WALL, balancer, edge, monotonic, said, website, write
from synthetic import MS, RUN, START, SWAP_AT, S, clean, event

from harness.analysis.edge_errors import Lost, lost_last
from harness.analysis.facts import parts_ms
from harness.analysis.logs import BalancerLine, EdgeLine, WebsiteLine, read_logs
from harness.analysis.pauses import Pauses
from harness.analysis.servers import Servers
from harness.model.mark import MarkKind
from harness.model.outcome import Outcome
from harness.model.scenario import Clock

AT = SWAP_AT + 0.5


def drafted(*marks):
    """A clean run whose clocks tell what the logs' dates mean, with these events alone."""
    draft = clean()
    draft.marks = [mark for mark in draft.marks if mark.kind is not MarkKind.event] + list(marks)
    moments = (0, 1)
    draft.record = replace(
        draft.record,
        clocks=tuple(Clock(monotonic_ns=START + n * S, wall_ns=WALL + n * S) for n in moments),
    )
    return draft


def found(draft, folder, **logs):
    write(folder, **logs)
    attributed = replace(draft.history(), folder=folder).attributions
    return [(one.cause, one.instance, one.failed, one.slow) for one in attributed]


def served(*addresses, since=AT - 3, until=AT + 3):
    return [
        balancer(900_000 + 10 * number + end, at_s, server=f"slot{number}", address=address)
        for number, address in enumerate(addresses, 1)
        for end, at_s in enumerate((since, until))
    ]


def servers(*marks, lines=(), folder):
    write(folder, balancers=lines)
    return Servers(marks, read_logs(folder / "logs", RUN, set(), monotonic))


def start(instance, address, at_s):
    return event(f"start {instance}", at_s, address=address)


def ns(at_s):
    return START + round(at_s * S)


# --- whose was an address, and who did not accept


def test_an_address_is_whose_it_was_last_before_that_moment(tmp_path):
    known = servers(start("website-1", "10.0.0.4", 1), start("website-3", "10.0.0.4", 9),
                    folder=tmp_path)  # fmt: skip
    assert [known.at("10.0.0.4", ns(moment)) for moment in (5, 9, 20)] == [
        "website-1", "website-3", "website-3",
    ]  # fmt: skip
    assert known.at("10.0.0.4", ns(0.9)) == "website-1", "its event is dated a little late"
    assert known.at("10.0.0.9", ns(5)) == ""


def test_a_server_is_whom_dns_last_said_it_was_and_not_another_server_s(tmp_path):
    known = servers(
        start("website-1", "10.0.0.4", 0),
        start("website-2", "10.0.0.5", 0),
        lines=[
            said(1, "website/s1: IP changed from '(none)' to '10.0.0.4' by 'DNS'."),
            said(2, "website/s2: IP changed from '(none)' to '10.0.0.5' by 'DNS'."),
            said(8, "website/s1: IP changed from '10.0.0.4' to '10.0.0.5' by 'DNS'."),
        ],
        folder=tmp_path,
    )
    assert [known.named("s1", ns(moment)) for moment in (5, 9)] == ["website-1", "website-2"]
    assert known.named("s2", ns(5)) == "website-2"


def test_a_slot_is_who_answered_from_it_last_before_that_moment_else_first_after_it(tmp_path):
    lines = [
        balancer(1, 2, address="10.0.0.4"),
        balancer(2, 7, address="10.0.0.5"),
    ]
    known = servers(start("website-1", "10.0.0.4", 0), start("website-2", "10.0.0.5", 0),
                    lines=lines, folder=tmp_path)  # fmt: skip
    assert [known.named("slot1", ns(moment)) for moment in (1, 5, 9)] == [
        "website-1", "website-1", "website-2",
    ]  # fmt: skip
    assert known.named("slot2", ns(5)) == ""


def test_who_answered_from_an_address_is_known_from_its_first_line_to_its_last(tmp_path):
    write(tmp_path, balancers=[balancer(1, 2), balancer(2, 5), balancer(3, 7)])
    [one] = read_logs(tmp_path / "logs", RUN, set(), monotonic).served
    assert (one.server, one.address, one.first_ns, one.last_ns) == (
        "slot1", "10.0.0.4", ns(2), ns(7),
    )  # fmt: skip


GONE = [*served("10.0.0.4"), balancer(5, AT - 2, server="s2", address="10.0.0.5")]
"""Website-1 answers, website-2 did until 2 s ago."""
TWO = (start("website-1", "10.0.0.4", 0), start("website-2", "10.0.0.5", 0))


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        (served("10.0.0.4", "10.0.0.5"), "website-2"),
        (served("10.0.0.4"), "website-1"),
        # It has answered nobody for 2 s, and HAProxy has not noticed: requests are sent there.
        (GONE, "website-2"),
        ([*GONE, said(AT + 3, "Server website/s2 is DOWN, reason: Layer4 timeout.")], "website-2"),
        # HAProxy let go of it, by whatever way.
        ([*GONE, said(AT - 1.9, "Server website/s2 enters drain state.")], "website-1"),
        ([*GONE, said(AT - 1.9, "Server website/s2 is going DOWN for maintenance.")], "website-1"),
        ([*GONE, said(AT - 1.9, "Server website/s2 is DOWN, reason: Layer7 x.")], "website-1"),
        # It was let go of and came again before that, and is gone since.
        (
            [
                said(AT - 2.9, "Server website/s2 is UP/DRAIN (leaving forced maintenance)."),
                said(AT - 2.8, "Server website/s2 is UP, reason: Layer7 check passed."),
                *GONE,
            ],
            "website-2",
        ),
        # Its server has come again for another, who has answered nothing yet.
        (
            [
                *GONE,
                said(AT - 1.9, "Server website/s2 is going DOWN for maintenance."),
                said(AT - 1.5, "Server website/s2 is UP, reason: Layer7 check passed."),
            ],
            "",
        ),
        # Another answers from its server since.
        ([balancer(5, AT - 3, address="10.0.0.5"), balancer(6, AT - 1.5, address="10.0.0.4")],
         "website-1"),
        # It is of another pool, which gets nothing.
        (
            [
                *GONE,
                said(AT - 9, "Server website/slot1 is UP, reason: Layer7 check passed."),
                said(AT - 9, "Server website-green/s2 is UP, reason: Layer7 check passed."),
            ],
            "website-1",
        ),
        # It was down for a reason that is not that nobody accepted.
        (
            [
                *served("10.0.0.4", "10.0.0.5"),
                said(AT + 0.5, "Server website/slot1 is DOWN, reason: Layer7 wrong status"),
            ],
            "website-2",
        ),
        # Down too late to have to do with it.
        (
            [
                *served("10.0.0.4", "10.0.0.5"),
                said(AT + 1.5, "Server website/slot1 is DOWN, reason: Layer4 timeout."),
            ],
            "website-2",
        ),
        ([*served("10.0.0.4"), said(AT - 0.5, "Server website/slot9 is UP, reason: x")], ""),
        # It has come and has answered nothing: it may be that one.
        ([*served("10.0.0.4"), said(AT - 1.5, "Server website/slot9 is UP, reason: x")], ""),
    ],
)  # fmt: skip
def test_who_did_not_accept_what_website_1_answered_in_the_end(tmp_path, lines, named):
    assert servers(*TWO, lines=lines, folder=tmp_path).not_accepting("10.0.0.4", ns(AT)) == named


def test_where_no_address_is_known_it_is_left_open_who_did_not_accept(tmp_path):
    draft = drafted()
    seqs = draft.seqs("get-reused", AT, AT + 0.1)
    draft.delay(seqs, 255)
    lines = [balancer(seq, AT, retries=1, queue_ms=251) for seq in seqs]
    edges = [edge(seq, request_s=0.254, response_s="0.254") for seq in seqs]
    assert found(draft, tmp_path, edges=edges, balancers=lines) == [
        ("sent_elsewhere", "", 0, len(seqs))
    ]


# --- who is named


def test_the_website_s_own_line_names_it_where_no_address_is_known(tmp_path):
    draft = drafted()
    [seq] = draft.seqs("write", AT, AT + 1)[:1]
    draft.fail([seq], Outcome.wrong_status, status=500)
    logs = {
        "edges": [edge(seq, status=500)],
        "balancers": [balancer(seq, AT, status=500)],
        "websites": [website(seq, status=500)],
    }
    assert found(draft, tmp_path, **logs) == [("website_error", "website-1", 1, 0)]


def broken(draft, folder, beside):
    [seq] = draft.seqs("write", AT, AT + 1)[:1]
    draft.fail([seq], Outcome.wrong_status, status=502)
    line = edge(seq, status=502, connection=7, at_s=WALL / S + AT + 0.1)
    (folder / "logs").mkdir()
    (folder / "logs" / "nginx-error.log").write_text(
        f"2026/01/02 03:04:{5 + int(AT):02d} [error] 9#9: *7 upstream prematurely closed "
        "connection while reading response header from upstream, client: 10.0.0.1\n"
    )
    tried = [
        balancer(seq + shift, AT, address=address, retries=1) for shift, address in beside.items()
    ]
    [one] = found(draft, folder, edges=[line], balancers=[*served("10.0.0.4", "10.0.0.5"), *tried])
    assert one[0] == "kept_connection_broke"
    return one[1]


@pytest.mark.parametrize(
    ("beside", "named"),
    [
        ({3: "10.0.0.5"}, "website-1"),
        ({-3: "10.0.0.4", 3: "10.0.0.4"}, "website-2"),
        # They disagree.
        ({-3: "10.0.0.4", 3: "10.0.0.5"}, ""),
        # None was tried again that was due so near, and two serve.
        ({}, ""),
        ({16: "10.0.0.5"}, ""),
    ],
)
def test_whose_kept_connection_broke_is_told_by_those_beside_it(tmp_path, beside, named):
    assert broken(drafted(*TWO), tmp_path, beside) == named


def test_where_only_one_serves_the_kept_connection_was_its_own(tmp_path):
    draft = drafted(TWO[0])
    [seq] = draft.seqs("write", AT, AT + 1)[:1]
    draft.fail([seq], Outcome.wrong_status, status=502)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "nginx-error.log").write_text(
        f"2026/01/02 03:04:{5 + int(AT):02d} [error] 9#9: *7 upstream prematurely closed, "
        "client: 10.0.0.1\n"
    )
    line = edge(seq, status=502, connection=7, at_s=WALL / S + AT + 0.1)
    assert found(draft, tmp_path, edges=[line], balancers=served("10.0.0.4")) == [
        ("kept_connection_broke", "website-1", 1, 0)
    ]


def test_a_long_request_broke_at_whom_it_was_sent_to_and_not_at_one_that_came_meanwhile(tmp_path):
    draft = drafted(*TWO)
    [seq] = draft.seqs("write", AT - 2.5, AT - 2)[:1]
    draft.fail([seq], Outcome.wrong_status, status=502, finished_ns=ns(AT + 0.1))
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "nginx-error.log").write_text(
        f"2026/01/02 03:04:{5 + int(AT):02d} [error] 9#9: *7 upstream prematurely closed, "
        "client: 10.0.0.1\n"
    )
    line = edge(seq, status=502, connection=7, at_s=WALL / S + AT + 0.1)
    lines = [
        *served("10.0.0.4", until=AT - 0.2),
        said(AT - 0.3, "Server website/slot2 is UP (leaving forced drain)."),
        balancer(900_100, AT - 0.2, server="slot2", address="10.0.0.5"),
        balancer(900_101, AT + 3, server="slot2", address="10.0.0.5"),
        said(AT - 0.2, "Server website/slot1 is going DOWN for maintenance."),
        # Who was due beside its end and tried again.
        balancer(seq + 3, AT, address="10.0.0.4", retries=1),
    ]
    assert found(draft, tmp_path, edges=[line], balancers=lines) == [
        ("kept_connection_broke", "website-1", 1, 0)
    ]


def test_those_of_most_requests_come_first_though_others_came_before(tmp_path):
    draft = drafted()
    early, late = draft.seqs("get-new", 3, 4)[:2], draft.seqs("get-reused", 5, 9)[:5]
    draft.fail(early, Outcome.refused)
    draft.fail(late, Outcome.wrong_status, status=502)
    edges = [edge(seq, status=502) for seq in late]
    assert [one[0] for one in found(draft, tmp_path, edges=edges, balancers=[balancer(1)])] == [
        "balancer_away", "edge_refused",
    ]  # fmt: skip


def test_what_is_unknown_or_was_not_sent_is_put_down_to_somebody_too(tmp_path):
    draft = drafted()
    draft.operations = None
    unknown, unsent = draft.seqs("write", 3, 4)[:2], draft.seqs("get-new", 5, 6)[:3]
    draft.fail(unknown, Outcome.reset)
    draft.fail(unsent, Outcome.not_sent, sent_ns=0, first_byte_ns=0, finished_ns=0)
    seen = found(draft, tmp_path, edges=[], balancers=[])
    assert sum(failed for _, _, failed, _ in seen) == 5


def test_who_was_sent_before_a_pause_and_was_still_on_the_way_waited_for_it(tmp_path):
    pause = (event("pause balancer", AT), event("unpause balancer", AT + 0.4))
    draft = drafted(start("website-1", "10.0.0.4", 0), *pause)
    seqs = draft.seqs("get-reused", AT - 0.05, AT)
    draft.delay(seqs, 460)
    logs = {
        "edges": [edge(seq, request_s=0.459, response_s="0.459") for seq in seqs],
        "balancers": [balancer(seq, AT, response_ms=458) for seq in seqs],
        "websites": [website(seq) for seq in seqs],
    }
    assert found(draft, tmp_path, **logs) == [("balancer_paused", "", 0, len(seqs))]


# --- where the time went


EDGE = EdgeLine(status=200, request_ms=90, response_ms=80, tries=1, upstream_status="200",
                completion="OK")  # fmt: skip
LINE = BalancerLine(status=200, server="slot1", address="a", termination="--", queue_ms=5,
                    connect_ms=7, response_ms=60, active_ms=72, retries=0)  # fmt: skip
SITE = WebsiteLine(instance="website-1", status=200, duration_ms=40, store_ms=15)
ROW = {"due_ns": 0, "sent_ns": 3 * MS, "finished_ns": 100 * MS}


@pytest.mark.parametrize(
    ("lines", "parts"),
    [
        ((None, None, None), {"sender": 3, "before_edge": 97}),
        ((EDGE, None, None), {"sender": 3, "before_edge": 7, "edge": 10, "balancer": 80}),
        (
            (EDGE, LINE, None),
            {"sender": 3, "before_edge": 7, "edge": 10, "balancer": 8, "queue": 5, "connect": 7,
             "before_website": 60},
        ),
        (
            (EDGE, LINE, SITE),
            {"sender": 3, "before_edge": 7, "edge": 10, "balancer": 8, "queue": 5, "connect": 7,
             "before_website": 20, "website": 25, "store": 15},
        ),
        # The website's own time is no more than HAProxy waited, its store's no more than that.
        (
            (EDGE, LINE, replace(SITE, duration_ms=500, store_ms=400)),
            {"sender": 3, "before_edge": 7, "edge": 10, "balancer": 8, "queue": 5, "connect": 7,
             "before_website": 0, "website": 0, "store": 60},
        ),
        # HAProxy logs -1 for what was not reached.
        (
            (EDGE, replace(LINE, connect_ms=-1, response_ms=-1), None),
            {"sender": 3, "before_edge": 7, "edge": 10, "balancer": 75, "queue": 5, "connect": 0,
             "before_website": 0},
        ),
        # Rounding never makes a part negative.
        (
            (replace(EDGE, request_ms=99, response_ms=80), None, None),
            {"sender": 3, "before_edge": 0, "edge": 19, "balancer": 80},
        ),
    ],
)  # fmt: skip
def test_the_parts_of_a_request_s_time(lines, parts):
    assert parts_ms(ROW, *lines) == pytest.approx(parts)


def test_what_was_never_sent_passed_all_its_time_at_the_sender():
    row = {"due_ns": 0, "sent_ns": 0, "finished_ns": 100 * MS}
    assert parts_ms(row, None, None, None) == {"sender": 100, "before_edge": 0}


def test_time_at_several_upstreams_adds_up_however_nginx_parts_it(tmp_path):
    write(tmp_path, edges=[edge(1, response_s="0.010 : 0.020, 0.030", upstream="a:1 : b:1, c:1")])
    line = read_logs(tmp_path / "logs", RUN, {1}, monotonic).edge[1]
    assert line.response_ms == pytest.approx(60)


def test_lines_that_cannot_be_read_are_counted_in_each_log(tmp_path):
    cut = [make(7)[:-20] for make in (edge, balancer, website)]
    write(tmp_path, edges=cut[:1], balancers=cut[1:2], websites=cut[2:])
    assert read_logs(tmp_path / "logs", RUN, {7}, monotonic).unread == 3


# --- near misses


def test_what_a_second_try_cost_is_held_against_those_of_its_stream_that_needed_none(tmp_path):
    """Most of the stream was saved: its own median would say that it cost nothing."""
    draft = drafted()
    seqs = draft.seqs("get-new")
    draft.delay(seqs, 10)
    draft.delay(seqs[:-2], 60)
    draft.delay(seqs[:1], 210)
    tried = [balancer(seq, retries=1) for seq in seqs[1:-2]]
    by_edge = [edge(seqs[0], upstream="a:1, b:1", response_s="0.1, 0.1")]
    write(tmp_path, edges=by_edge, balancers=tried)
    found = replace(draft.history(), folder=tmp_path).near_misses
    assert (found.count, found.by_balancer, found.by_edge) == (len(seqs) - 2, len(seqs) - 3, 1)
    assert (found.cost_ms, found.most_ms) == (50, 200)
    assert found.examples[0] == seqs[0], "NGINX alone saved it"


def test_of_several_losses_of_a_connection_the_last_before_its_end_counts():
    lost = {7: [Lost(at_s=100, how="closed"), Lost(at_s=101, how="refused")]}
    assert lost_last(lost, 7, 101.5) == "refused"
    assert lost_last(lost, 7, 100.5) == "closed"


# --- who is bad, and whom a pause held up


def test_a_success_is_bad_only_above_its_stream_s_limit():
    draft = drafted()
    limit = draft.history().limits["get-new"]
    assert limit is not None
    at_limit, above = draft.seqs("get-new", since=AT)[:2]
    draft.delay([at_limit], limit.limit_ms)
    draft.delay([above], limit.limit_ms + 0.1)
    assert list(draft.history().bad["seq"]) == [above]


def test_a_pause_that_was_lifted_is_not_lifted_again():
    marks = [event("pause edge", 1), event("unpause edge", 2), event("unpause edge", 9)]
    pauses = Pauses(marks, drafted().history().bad)
    assert [pauses.held_up("edge", ns(moment), ns(moment)) for moment in (1.5, 5)] == [True, False]


HARD_STOP = "soft-stop running for too long, performing a hard-stop."


@pytest.mark.parametrize(
    ("stopped_at", "cause"),
    [(AT - 0.02, "hard_stopped"), (AT - 4, "hard_stopped"), (AT - 6, "killed"), (AT + 1, "killed")],
)
def test_what_a_hard_stop_cuts_is_put_down_to_it_and_not_what_is_killed_otherwise(
    tmp_path, stopped_at, cause
):
    draft = drafted()
    seqs = draft.seqs("get-reused", AT, AT + 0.1)
    draft.fail(seqs, Outcome.truncated)
    lines = [balancer(seq, AT, termination="KC--") for seq in seqs]
    [one] = found(draft, tmp_path, balancers=[*lines, said(stopped_at, HARD_STOP)])
    assert one == (cause, "", len(seqs), 0)


@pytest.mark.parametrize(
    ("printed", "failed"),
    [
        ("[WARNING]  (1) : Loading failure!\n", True),
        ("[NOTICE]   (1) : Loading success.\n", False),
    ],
)
def test_a_failed_reload_is_told_by_what_the_master_printed(tmp_path, printed, failed):
    write(tmp_path)
    (tmp_path / "logs" / "balancer.printed.txt").write_text(printed)
    assert read_logs(tmp_path / "logs", RUN, (), monotonic).reload_failed is failed


@pytest.mark.parametrize(
    ("told_at", "cause"),
    [(AT - 0.5, "reload_broke"), (AT + 0.02, "reload_broke"), (AT - 1.5, "balancer_away")],
)
def test_what_a_reload_breaks_is_put_down_to_it(tmp_path, told_at, cause):
    draft = drafted()
    [seq] = draft.seqs("get-reused", AT, AT + 0.1)[:1]
    draft.fail([seq], Outcome.wrong_status, status=502)
    over_s = (WALL + (AT * S)) / S
    date = datetime.fromtimestamp(over_s, UTC).strftime("%Y/%m/%d %H:%M:%S")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "nginx-error.log").write_text(
        f"{date} [error] 7#7: *1 recv() failed (104: Connection reset by peer) while reading "
        "response header from upstream, client: 10.0.0.1\n"
    )
    stopped = "Proxy edge stopped (cumulated conns: FE: 40, BE: 0)."
    lines = {"edges": [edge(seq, status=502, at_s=over_s)], "balancers": [said(told_at, stopped)]}
    assert found(draft, tmp_path, **lines) == [(cause, "", 1, 0)]
