"""The real child over TLS: as many failures as the server made, each with its name."""

import pytest
from driving import stream
from scripted import Behaviour, Peer, closes, cuts, resets, says, whole

from harness.model.traffic import Connection, Tls

OK = whole(b"hello")
EVERY, REQUESTS = 50, 400

FAULTS = {
    "close": (closes(), None),
    "ragged-close": (cuts(), None),
    "reset": (resets(), "reset"),
    "truncated-header": (closes(OK[:40]), "truncated"),
    "truncated-body": (cuts(OK[:-1]), "truncated"),
    "503": (says(whole(b"sorry", "503 Away")), "wrong_status"),
    "wrong-text": (says(whole(b"help!")), "wrong_body"),
}


@pytest.mark.parametrize("tls", [Tls.full, Tls.resume])
def test_a_server_that_fails_every_50th_request_over_tls(drive, tls):
    """Each kind of failure in turn, on reused and on new connections side by side."""
    made: dict[int, Behaviour] = {}
    kinds = list(FAULTS)

    def every_50th(peer: Peer) -> None:
        if peer.index % EVERY == EVERY - 1:
            seq = int(peer.request.split(b"X-Request-Id: r1-")[1].split(b"\r\n")[0])
            made[seq] = kind = kinds[len(made) % len(kinds)]
            FAULTS[kind][0](peer)
        else:
            peer.send(OK)

    it = drive(
        every_50th,
        stream("reused", 200.0, tls=tls),
        stream("fresh", 200.0, tls=tls, connection=Connection.new),
        secured=True,
    )
    rows = it.run(for_s=1.0).set_index("seq")
    assert sorted(rows.index) == [arrival.seq for arrival in it.plan()]
    assert len(rows) == REQUESTS
    asked = it.sender.sent().probes + REQUESTS
    assert len(it.server.requests) == asked, "something was sent twice"
    assert len(made) == asked // EVERY
    failed = rows[rows["outcome"] != "ok"]
    assert set(failed.index) == set(made)
    for seq, row in failed.iterrows():
        name = FAULTS[made[seq]][1]
        if name is None:
            name = "closed_on_reuse" if row["reuse"] else "closed_before_answer"
        assert row["outcome"] == name
    assert "plain" not in set(rows["handshake"])
    fresh = rows[rows["stream"] == "fresh"]
    later = fresh[fresh["sent_ns"] > fresh["finished_ns"].min()]
    assert len(later) > 0
    assert set(later["handshake"]) == {"full" if tls is Tls.full else "resumed"}
