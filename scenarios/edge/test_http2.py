"""HTTP/2 at the edge: what a website's swap does to it, and what a reload of NGINX does.

NGINX says GOAWAY to a connection on which it takes no more requests, and which was the last that it
has taken. What was on its way by then is refused by it, unprocessed. Browsers ask again, unseen,
and so do the streams of the mix; here it is shown what becomes of who asks once.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from protocols import heavy_with_http2, http2_alone, rows_over_http2
from replacing import EDGE, ReplacesPart, Shows

from harness.analysis.history import load
from harness.model.finding import Verdict
from harness.model.outcome import Outcome
from harness.swap.drain import Drain
from harness.swap.strategy import Steps
from harness.target import Proxies, Stage
from harness.verify import Judged

pytestmark = pytest.mark.edge

RATE_HZ = 150.0
ALONE_HZ = 400.0
"""Of HTTP/2 alone: some 0.5 ms from sending to NGINX's reading."""
TIMES = 4
"""Twice as many connections: one that was shaking hands with a worker as that was told to finish
is told nothing of it, and stays there through all later reloads.
"""
RELOADS = 40
"""One in five, or more on a busy machine, meets something on its way."""
APART_S = 0.4
"""For new connections to be made and used."""

_RELOAD = """\
workers() {
    for each in $(cat /proc/1/task/1/children); do
        title=$(tr -d '\\0' <"/proc/$each/cmdline" 2>/dev/null)
        if [ "$title" = "nginx: worker process" ]; then echo "$each"; fi
    done
}
former=$(workers)
[ -n "$former" ] || { echo "NGINX has no worker"; exit 1; }
kill -HUP 1
for _ in $(seq 200); do
    now=$(workers)
    left=
    for each in $former; do
        if echo "$now" | grep -qx "$each"; then left="$left $each"; fi
    done
    if [ -n "$now" ] && [ -z "$left" ]; then exit 0; fi
    sleep 0.05
done
echo "it was told to reload, and still serves by$left"
exit 1
"""
"""Workers that were told to finish have another title."""


@dataclass(frozen=True, kw_only=True)
class ReloadsOften(ReplacesPart):
    """NGINX is told to reload (HUP), time and again: each time other workers serve from then on."""

    times: int
    name: str = "NGINX reloaded often, then drain"

    def replace_part(self, stage: Stage, proxies: Proxies, steps: Steps) -> None:
        del stage
        for number in range(1, self.times + 1):
            with steps.step("reload", EDGE, number=number):
                proxies.run(EDGE.name, _RELOAD)
            steps.clock.sleep(APART_S)


def test_a_website_s_swap_loses_nothing_over_http2(loses_nothing: Shows) -> None:
    """Ten of them by `drain`, under the heavy mix with a fifth of it over HTTP/2."""
    arm = loses_nothing(Drain(), traffic=heavy_with_http2(RATE_HZ))
    for rows in rows_over_http2(arm):
        assert set(rows["outcome"]) == {Outcome.ok.name}
        assert set(rows["handshake"]) <= {"full", "resumed"}
        assert rows["connection"].nunique() == 1, "beside each other on one connection"
        assert set(rows["swap"]) >= set(range(1, 11)), "asked in each swap"


def test_what_is_on_its_way_over_http2_as_nginx_reloads_is_refused(
    harness_run: Callable[..., Judged], said: Callable[[str], None]
) -> None:
    """The control. Whatever fails is refused by NGINX itself and was not done, as the store shows;
    how many are is chance: 7 in 20 reloads.
    """
    judged = harness_run(
        strategy=ReloadsOften(times=RELOADS),
        traffic=http2_alone(ALONE_HZ, times=TIMES),
        calibrate=False,
    )
    history, result = load(judged.folder), judged.result
    rows = history.samples
    failed = rows[rows["outcome"] != Outcome.ok.name]
    told = (
        f"{len(failed)} of {len(rows)} requests over HTTP/2 were lost at {RELOADS} reloads of "
        f"NGINX ({dict(Counter(failed['outcome']))}), on {rows['connection'].nunique()} connections"
    )
    said(f"HTTP/2 at a reload: {told}\n  {judged.folder}")
    assert rows["connection"].nunique() > TIMES * RELOADS, "each reload must end connections"
    assert len(failed), f"not reproduced: {told}"
    assert result.verdict is Verdict.failed
    assert set(failed["outcome"]) == {Outcome.refused_stream.name}, judged.explanation()
    assert {one.cause for one in result.attributions if one.failed} == {"edge_leaving"}
    assert history.operations is not None
    refused = {f"{history.record.run}-{seq}" for seq in failed["seq"]}
    applied = {name for name, times in history.operations.applied.items() if times}
    assert not refused & applied, "NGINX said that it had not taken them"
