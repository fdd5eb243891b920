"""Certificates rolled out under load, and what visitors and their sessions make of it."""

import re
from pathlib import Path

import pytest
from nginxes import FINISHES
from renewing import READ_EACH_TIME, RollsOut
from replacing import Shows

from harness.analysis.history import load
from harness.catalogue.model import Arm
from harness.model.outcome import Handshake
from harness.stack.variation import Variation

pytestmark = pytest.mark.edge

RENEWALS = 3
RESUMING = "https-resume"
"""The stream that makes a connection for each request and resumes a session by each."""


def test_a_certificate_read_at_each_handshake_loses_nothing_and_no_session(
    loses_nothing: Shows,
) -> None:
    """Nothing is reloaded, so no worker leaves; and as NGINX ties sessions to the name of the file
    and not to what is in it, whoever has one resumes it as before.
    """
    arm = loses_nothing(RollsOut(), variation=READ_EACH_TIME)
    full, resumed = handshakes(arm)
    assert resumed > 0
    assert full == 0, f"{full} of {full + resumed} sessions were not resumed"


def test_a_reload_for_a_certificate_makes_each_visitor_shake_hands_anew(
    loses_nothing: Shows,
) -> None:
    """The control of what is kept: the same renewal by a reload. NGINX ties sessions to the
    certificate that it has loaded (`ngx_ssl_session_id_context`), so those of the former one are no
    more: no request fails by that, and each visitor's next handshake is a full one.
    """
    arm = loses_nothing(
        RollsOut(reloads=True, name="a certificate by a reload, then drain"),
        swaps=RENEWALS,
        variation=Variation(name="NGINX can be told to keep no connection", edge=FINISHES),
    )
    full, resumed = handshakes(arm)
    assert resumed > 0
    assert full >= RENEWALS, f"{full} full handshakes after {RENEWALS} renewals"


def handshakes(arm: Arm) -> tuple[int, int]:
    """How many were full and how many resumed a session, since the first swap began."""
    history = load(Path(arm.folder))
    (first,) = (each for each in history.phases if (each.name, each.swap) == ("swap", 1))
    rows = history.requests
    own = rows[(rows["stream"] == RESUMING) & (rows["sent_ns"] >= first.begin_ns)]
    full, resumed = (
        int((own["handshake"] == kind.name).sum()) for kind in (Handshake.full, Handshake.resumed)
    )
    return full, resumed


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("unknown", "certificate_unknown"),
        ("expired", "certificate_expired"),
        ("early", "certificate_early"),
        ("misnamed", "certificate_misnamed"),
    ],
)
def test_a_certificate_that_visitors_must_not_take_is_found_and_named(
    loses: Shows, kind: str, cause: str
) -> None:
    """Who resumes a session is not shown it, and does not notice."""
    arm = loses(
        RollsOut(kind=kind, name=f"a certificate that is {kind} rolled out, then drain"),
        cause=cause,
        variation=READ_EACH_TIME,
    )
    dated = re.search(r"valid until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", arm.cause)
    assert bool(dated) is (kind == "expired"), arm.cause
