"""What faults leave in the logs is put down to whom they befell, and to nobody where it is open."""

from dataclasses import replace

import pytest
from loglines import WALL, balancer, edge, said, website, write
from synthetic import START, SWAP_AT, S, clean

from harness.analysis.edge_errors import lost_last, read_lost
from harness.model.mark import Edge, Mark, MarkKind
from harness.model.outcome import Outcome
from harness.model.scenario import Clock

AT = SWAP_AT + 0.5
"""In seconds since the schedule began; not in the steady phase, which says what is slow."""
STALL = {"request_s": 0.254, "response_s": "0.254"}


def event(name, at_s, **detail):
    at_ns = START + int(at_s * S)
    return Mark(at_ns=at_ns, kind=MarkKind.event, name=name, edge=Edge.at, detail=detail)


def started(instance, address, at_s=-2.0):
    return event(f"start {instance}", at_s, instance=instance, address=address)


def drafted(*marks, two=False):
    """A clean run with one or two instances of the website."""
    draft = clean()
    clocks = (
        Clock(monotonic_ns=START, wall_ns=WALL),
        Clock(monotonic_ns=START + S, wall_ns=WALL + S),
    )
    draft.record = replace(draft.record, clocks=clocks)
    draft.marks += [started("website-1", "10.0.0.4"), *marks]
    draft.marks += [started("website-2", "10.0.0.5")] if two else []
    return draft


def served(*addresses, since=AT - 3, until=AT + 3):
    """Lines of HAProxy's that tell who serves in that time; none of them is of a bad request."""
    return [
        balancer(900_000 + 10 * number + end, at_s, server=f"slot{number}", address=address)
        for number, address in enumerate(addresses, 1)
        for end, at_s in enumerate((since, until))
    ]


def causes(draft, folder, **logs):
    """(cause, component, instance) and how many, those of most first."""
    write(folder, **logs)
    found = replace(draft.history(), folder=folder).attributions
    return [(one.cause, one.component, one.instance, one.failed + one.slow) for one in found]


def slow(draft, stream="get-reused", since=AT, until=AT + 0.1, latency_ms=255):
    seqs = draft.seqs(stream, since, until)
    draft.delay(seqs, latency_ms)
    return seqs


def errors(folder, *lines):
    (folder / "logs").mkdir(exist_ok=True)
    text = "".join(
        f"2026/01/02 03:04:{5 + int(AT):02d} [error] 9#9: *{connection} {text}, client: 10.0.0.1\n"
        for connection, text in lines
    )
    (folder / "logs" / "nginx-error.log").write_text(text)


# --- tried again by the balancer


def tries(seqs, address):
    return [balancer(seq, AT, address=address, retries=1, queue_ms=251) for seq in seqs]


def test_where_one_instance_serves_it_is_the_one_that_was_tried_again(tmp_path):
    draft = drafted()
    seqs = slow(draft)
    lines = {"edges": [edge(seq, **STALL) for seq in seqs], "websites": [website(seqs[0])]}
    lines["balancers"] = [*served("10.0.0.4"), *tries(seqs, "10.0.0.4")]
    assert causes(draft, tmp_path, **lines) == [("tried_again", "website", "website-1", len(seqs))]


def test_of_two_that_serve_the_one_that_did_not_answer_in_the_end_did_not_accept(tmp_path):
    draft = drafted(two=True)
    seqs = slow(draft)
    lines = {"edges": [edge(seq, **STALL) for seq in seqs]}
    lines["balancers"] = [*served("10.0.0.4", "10.0.0.5"), *tries(seqs, "10.0.0.5")]
    assert causes(draft, tmp_path, **lines) == [
        ("sent_elsewhere", "website", "website-1", len(seqs))
    ]


def test_who_haproxy_found_down_soon_after_did_not_accept_though_no_log_names_its_address(tmp_path):
    """In mode `slots` no line says which address a server has but those of its requests."""
    draft = drafted(two=True)
    seqs = slow(draft)
    down = said(AT + 0.5, "Server website/slot2 is DOWN, reason: Layer4 timeout.")
    lines = {"edges": [edge(seq, **STALL) for seq in seqs]}
    lines["balancers"] = [*served("10.0.0.4", "10.0.0.5"), *tries(seqs, "10.0.0.4"), down]
    assert causes(draft, tmp_path, **lines) == [
        ("sent_elsewhere", "website", "website-2", len(seqs))
    ]


@pytest.mark.parametrize(
    "more",
    [
        served("10.0.0.4", "10.0.0.5", "10.0.0.6"),
        [
            *served("10.0.0.4", "10.0.0.5"),
            said(AT - 0.3, "Server website/slot3 ('website') is UP/READY (resolves again)."),
        ],
    ],
    ids=["three serve", "one has just come"],
)
def test_nobody_is_named_where_it_may_have_been_one_of_several(tmp_path, more):
    draft = drafted(started("website-3", "10.0.0.6"), two=True)
    seqs = slow(draft)
    lines = {"edges": [edge(seq, **STALL) for seq in seqs]}
    lines["balancers"] = [*more, *tries(seqs, "10.0.0.4")]
    assert causes(draft, tmp_path, **lines) == [("sent_elsewhere", "website", "", len(seqs))]


# --- kept connections that break


def broken(draft, tmp_path, text, *more, two=False, address="10.0.0.4"):
    [seq] = draft.seqs("write", AT, AT + 1)[:1]
    draft.fail([seq], Outcome.wrong_status, status=502)
    line = edge(seq, status=502, connection=7, at_s=WALL / S + AT + 0.1)
    errors(tmp_path, (7, text))
    beside = [balancer(seq + 3, AT, address=address, retries=1)]
    addresses = ("10.0.0.4", "10.0.0.5") if two else ("10.0.0.4",)
    return causes(draft, tmp_path, edges=[line], balancers=[*served(*addresses), *beside, *more])


CLOSED = "upstream prematurely closed connection while reading response header from upstream"


def test_an_end_that_haproxy_does_not_log_is_of_a_connection_that_the_website_broke(tmp_path):
    assert broken(drafted(), tmp_path, CLOSED) == [
        ("kept_connection_broke", "website", "website-1", 1)
    ]


def test_whose_connection_broke_is_told_by_those_beside_it_that_found_nobody(tmp_path):
    assert broken(drafted(two=True), tmp_path, CLOSED, two=True, address="10.0.0.5") == [
        ("kept_connection_broke", "website", "website-1", 1)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "connect() failed (111: Connection refused) while connecting to upstream",
        "recv() failed (104: Connection reset by peer) while reading response header from upstream",
    ],
)
def test_a_connection_that_is_refused_or_reset_is_put_down_to_haproxy_itself(tmp_path, text):
    assert broken(drafted(), tmp_path, text) == [("balancer_away", "balancer", "", 1)]


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("balancer", "balancer_away"),
        ("balancer-12", "balancer_away"),
        ("balancer-address", "kept_connection_broke"),
    ],
)
def test_a_balancer_that_ended_is_to_blame_for_what_it_closed(tmp_path, name, cause):
    draft = drafted(event(f"die {name}", AT + 0.05, instance=name))
    [(found, *_)] = broken(draft, tmp_path, CLOSED)
    assert found == cause


@pytest.mark.parametrize(
    ("edge_ms", "balancer_ms", "cause"),
    [
        (20_000, 5, "balancer_closed_idle"),
        (60_000, 60_000, "balancer_closed_idle"),
        (20_000, 60_000, "kept_connection_broke"),
        (0, 5, "kept_connection_broke"),
    ],
)
def test_who_lets_go_of_idle_connections_first_is_told_by_the_configurations(
    tmp_path, edge_ms, balancer_ms, cause
):
    """No log tells a connection that HAProxy itself closed from one that broke behind it."""
    draft = drafted()
    kept = {"edge_keeps_ms": edge_ms, "balancer_keeps_ms": balancer_ms}
    draft.record = replace(draft.record, environment={**draft.record.environment, **kept})
    [(found, *_)] = broken(draft, tmp_path, CLOSED)
    assert found == cause


def test_an_edge_that_has_taken_out_all_addresses_is_to_blame_itself(tmp_path):
    text = "no live upstreams while connecting to upstream"
    assert broken(drafted(), tmp_path, text) == [("addresses_taken_out", "edge", "", 1)]


def test_who_asked_each_address_in_vain_does_not_say_that_they_were_taken_out(tmp_path):
    errors(tmp_path, (7, CLOSED), (7, "no live upstreams while connecting to upstream"))
    lost = read_lost(tmp_path / "logs")
    [first, _] = lost[7]
    assert [lost_last(lost, 7, first.at_s, tries) for tries in (2, 3)] == ["taken_out", "closed"]


def test_an_error_of_another_time_or_connection_tells_nothing(tmp_path):
    errors(tmp_path, (7, CLOSED), (8, "client sent invalid request"))
    lost = read_lost(tmp_path / "logs")
    second = WALL / S + int(AT)
    assert lost_last(lost, 7, second + 0.4) == "closed"
    assert lost_last(lost, 7, second + 1.9) == "closed"
    assert [lost_last(lost, 7, second + shift) for shift in (-0.1, 2.1)] == ["", ""]
    assert lost_last(lost, 9, second) == lost_last(lost, 8, second) == ""
    assert read_lost(tmp_path / "nowhere") == {}


def test_lines_that_are_no_errors_of_nginx_are_passed_over(tmp_path):
    (tmp_path / "nginx-error.log").write_bytes(
        b"\xff\n2026/01/02 [error]\n"
        b"2026/13/45 03:04:05 [error] 9#9: *1 upstream prematurely closed, client: x\n"
    )
    assert read_lost(tmp_path) == {}


# --- pauses


def paused(draft, name, begin=AT, end=AT + 0.4):
    draft.marks += [event(f"pause {name}", begin), event(f"unpause {name}", end)]


def stalled(draft, end=AT + 0.4):
    """Requests that were due until then and wait for that moment."""
    seqs = draft.seqs("get-reused", AT, end - 0.12)
    rows = draft.samples["seq"].isin(seqs)
    draft.samples.loc[rows, "finished_ns"] = START + int((end + 0.05) * S)
    return seqs


def within_website(seqs):
    """Lines that alone would say that the website was slow."""
    return {
        "edges": [edge(seq, **STALL) for seq in seqs],
        "balancers": [balancer(seq, AT, response_ms=253) for seq in seqs],
        "websites": [website(seq) for seq in seqs],
    }


@pytest.mark.parametrize("name", ["edge", "balancer"])
def test_who_was_on_the_way_through_a_paused_proxy_waited_for_it(tmp_path, name):
    """Its own timers stood still too, and tell that what comes after it took long."""
    draft = drafted()
    paused(draft, name)
    seqs = stalled(draft)
    found = causes(draft, tmp_path, **within_website(seqs))
    assert found == [(f"{name}_paused", name, "", len(seqs))]


def test_who_queued_behind_those_that_a_pause_held_up_waited_for_it_too(tmp_path):
    draft = drafted()
    paused(draft, "balancer")
    held_up = stalled(draft)
    # Sent after the pause, while those were not all through.
    behind = slow(draft, since=AT + 0.41, until=AT + 0.44, latency_ms=150)
    assert behind
    found = causes(draft, tmp_path, **within_website([*held_up, *behind]))
    assert found == [("balancer_paused", "balancer", "", len(held_up) + len(behind))]


def test_what_is_slow_once_those_are_through_has_a_cause_of_its_own(tmp_path):
    draft = drafted()
    paused(draft, "balancer")
    held_up = stalled(draft)
    later = slow(draft, since=AT + 1, until=AT + 1.1)
    found = causes(draft, tmp_path, **within_website([*held_up, *later]))
    assert ("website_busy", "website", "website-1", len(later)) in found


def test_a_pause_of_the_balancer_holds_up_nobody_whom_the_edge_answered_itself(tmp_path):
    draft = drafted()
    paused(draft, "balancer")
    seqs = slow(draft)
    lines = [edge(seq, upstream="", response_s="", request_s=0.254) for seq in seqs]
    found = causes(draft, tmp_path, edges=lines, balancers=served("10.0.0.4"))
    assert found == [("edge_slow", "edge", "", len(seqs))]


# --- the store


def test_what_the_website_waited_for_its_store_is_put_down_to_the_store(tmp_path):
    draft = drafted()
    seqs = slow(draft, "write", until=AT + 0.3)
    lines = within_website(seqs)
    lines["websites"] = [website(seq, duration_us=251_000, store_us=249_000) for seq in seqs]
    assert causes(draft, tmp_path, **lines) == [("store_slow", "store", "", len(seqs))]


@pytest.mark.parametrize(
    ("lacks", "cause"),
    [
        ("store", ("store_failed", "store", "", 1)),
        ("", ("website_error", "website", "website-1", 1)),
    ],
)
def test_an_error_of_the_website_is_the_stores_where_it_says_so(tmp_path, lacks, cause):
    draft = drafted()
    [seq] = draft.seqs("write", AT, AT + 1)[:1]
    draft.fail([seq], Outcome.wrong_status, status=503)
    found = causes(
        draft,
        tmp_path,
        edges=[edge(seq, status=503)],
        balancers=[balancer(seq, AT, status=503)],
        websites=[website(seq, status=503, lacks=lacks)],
    )
    assert found == [cause]
