"""Sticky sessions: what HAProxy may have done is no problem, and what it cannot have done is."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.bench.evidence import is_torn


def session(*requests):
    """Of (sent, finished, server)."""
    return pd.DataFrame(
        [(sent, finished, f"replica-{server}" if server else "") for sent, finished, server in
         requests],
        columns=["sent_ns", "finished_ns", "server"],
    )  # fmt: skip


@pytest.mark.parametrize(
    "requests",
    [
        [(0, 10, 1), (5, 30, 2), (12, 20, 1)],
        # Sent before the first answer came, though HAProxy may have sent that one by then.
        [(0, 10, 1), (10, 30, 2)],
        # The last answer counts: from 30 on the session is the other server's.
        [(0, 10, 1), (5, 30, 2), (31, 40, 2), (41, 50, 2)],
        # Whether the second answer was stored before this one was looked up nobody knows.
        [(0, 10, 1), (5, 30, 2), (25, 40, 1)],
        [(0, 10, 1), (5, 30, 2), (25, 40, 2)],
        # Looked up before 30, answered after it: stored again for the first server.
        [(0, 10, 1), (5, 30, 2), (25, 60, 1), (61, 70, 1)],
    ],
)
def test_what_haproxy_may_have_done_is_no_problem(requests):
    assert not is_torn(session(*requests))


@pytest.mark.parametrize(
    "requests",
    [
        [(0, 10, 1), (11, 20, 2)],
        # A server that was stored once, and surely no longer.
        [(0, 10, 1), (5, 30, 2), (31, 40, 2), (41, 50, 1)],
        # Two that would explain each other, which nothing explains.
        [(0, 10, 1), (11, 30, 2), (12, 29, 2)],
        [(0, 10, 1), (5, 30, 2), (12, 20, 3)],
    ],
)
def test_what_haproxy_cannot_have_done_is_a_problem(requests):
    assert is_torn(session(*requests))


def test_of_an_unanswered_request_nobody_knows_what_it_stored():
    assert not is_torn(session((0, 10, 1), (5, 0, 0), (31, 40, 2)))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**31))
def test_a_session_that_haproxy_kept_is_never_torn(seed):
    """Requests are looked up and stored at any moment between what the sender sees of them."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 12))
    moments = np.sort(rng.integers(0, 40, (count, 4)), axis=1)
    sent, looked_up, stored, finished = moments.T
    held, servers = 0, [0] * count
    doings = [(looked_up[at], 0, at) for at in range(count)]
    doings += [(stored[at], 1, at) for at in range(count)]
    for _, is_store, at in sorted(doings):
        if is_store:
            held = servers[at]
        else:
            servers[at] = held or int(rng.integers(1, 4))
    kept = session(*zip(sent, finished, servers, strict=True))
    assert not is_torn(kept)
    assert is_torn(pd.concat([kept, session((50, 60, 9))]))
