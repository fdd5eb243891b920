"""NGINX's own jobs under a swap: copies in their time, files to the byte, of both releases."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from assets import CompressesAnew, RemovesOldAssets
from replacing import Shows

from harness.analysis.history import load
from harness.catalogue.model import Arm
from harness.heavy_mix import heavy_mix
from harness.mix import CACHED_S, default_mix
from harness.model.finding import Finding, Verdict
from harness.model.outcome import Cache
from harness.model.traffic import Tls, Traffic
from harness.stack.variation import Variation
from harness.verify import Judged

pytestmark = pytest.mark.edge

Runs = Callable[..., Judged]

RATE_HZ = 150.0
AFTER_S = 6.0
"""Long enough for a copy of the old release to be past its time."""
STALE_S = 10
WHOLE_S = CACHED_S + STALE_S
"""For how long a copy may serve in all, where it may outlive its time."""

KEEPING = "proxy_cache_key $host$request_uri;"
ASSETS = "location /assets/ {"
OF_ITS_OWN = """\
location = /cached {
    proxy_pass http://balancer;
    proxy_cache pages;
    proxy_cache_key $host$request_uri;
    proxy_cache_valid 200 60s;%s
    add_header X-Cache $upstream_cache_status always;
}
"""


def keeps(name: str, more: str = "") -> Variation:
    return Variation(name=name, edge={ASSETS: f"{OF_ITS_OWN % more}{ASSETS}"})


def test_an_edge_that_ignores_the_websites_word_serves_an_old_page_past_its_time(
    judged: Runs,
) -> None:
    """The website says that a copy may serve for a second; the edge keeps it for a minute, and
    shows the old release's page when nothing else of that release is left. No request fails.
    """
    found = judged(
        swap="drain",
        variation=keeps(
            "NGINX keeps copies for 60 s whatever the website says",
            "\n    proxy_ignore_headers Cache-Control;",
        ),
    )
    assert failing(found) == ["cached"]
    assert found.result.requests.failed == 0
    assert finding(found, "cached").message.endswith(
        "is of release v1, which was gone for longer than a copy may live"
    )


def test_an_edge_that_goes_by_the_websites_word_does_not(judged: Runs) -> None:
    """It has the same 60 s for what says nothing."""
    found = judged(
        swap="drain", variation=keeps("NGINX keeps copies for 60 s unless the website says less")
    )
    found.assert_passed()


STALE = Variation(
    name=f"copies may serve for {STALE_S} s beyond their time, and are renewed behind the visitor",
    website={"STALE_S": str(STALE_S)},
    edge={KEEPING: f"{KEEPING}\nproxy_cache_background_update on;"},
)


def test_copies_serve_on_while_the_website_is_away_and_are_told_from_answers(
    judged: Runs, said: Callable[[str], None]
) -> None:
    """A swap that lets go of the old release first. What may be kept is answered all the while, by
    copies, and the run says by how many; that the website was away it says by all else.
    """
    found = judged(swap="recreate", variation=STALE)
    rows = of_cached(found)
    told = finding(found, "cached")
    copies = int(told.evidence["while_others_failed"])
    assert found.result.requests.failed > 0
    assert (rows["outcome"] == "ok").all()
    assert told.verdict is Verdict.passed, told.message
    assert copies > 0
    assert told.message.endswith(f"{copies:,} of them while other requests failed")
    said(f"{told.message}; {found.result.requests.failed:,} requests failed\n  {found.folder}")


def test_without_that_choice_what_may_be_kept_fails_too(judged: Runs) -> None:
    found = judged(swap="recreate")
    assert (of_cached(found)["outcome"] != "ok").any()


BROKEN_ONES = "{ var(txn.path) -m str /cached } { res.hdr(X-Release) -m str v2 }"
"""Nor do they say how long they may be kept, as errors do not: NGINX keeps one that does."""
BROKEN = replace(
    STALE,
    name=f"{STALE.name}; the new release's page that may be kept fails",
    balancer={
        "bind :8080": "bind :8080\n"
        "http-request set-var(txn.path) path\n"
        f"http-response del-header Cache-Control if {BROKEN_ONES}\n"
        f"http-response set-status 503 if {BROKEN_ONES}"
    },
)


def test_a_page_that_is_broken_hides_behind_copies_and_the_gate_tells(
    judged: Runs,
) -> None:
    """What the edge is allowed for want of an answer it also does for a broken one: visitors get
    the old release's page for as long, with status 200. Only its age tells.
    """
    found = judged(swap="drain", variation=BROKEN)
    after = of_cached(found)
    after = after[after["phase"] == "after"]
    assert (after["release"] == "v1").all()
    assert (after["cache"] == Cache.hit.name).all()
    assert found.result.requests.failed == 0
    assert failing(found) == ["cached"]


def test_where_copies_may_serve_for_so_long_the_run_outlasts_them(
    judged: Runs,
) -> None:
    """The stream says that its copies may live for as long (`cached_s`), so they are no fault; and
    the load must then go on for longer, until the broken page shows.
    """
    found = judged(
        swap="drain", variation=BROKEN, traffic=may_be_kept(WHOLE_S), after_s=WHOLE_S + 4
    )
    assert finding(found, "cached").verdict is Verdict.passed
    assert "no_failed_request" in failing(found)
    bad = of_cached(found)
    bad = bad[bad["outcome"] != "ok"]
    assert (bad["status"] == 503).all()
    assert found.result.requests.failed == len(bad) > 0


def test_a_release_whose_page_is_right_passes_with_copies_beyond_their_time(
    judged: Runs,
) -> None:
    found = judged(swap="drain", variation=STALE, traffic=may_be_kept(WHOLE_S), after_s=WHOLE_S + 4)
    found.assert_passed()


def may_be_kept(for_s: float) -> Traffic:
    traffic = default_mix(RATE_HZ)
    streams = tuple(
        replace(each, cached_s=for_s) if each.name == "cached" else each for each in traffic.streams
    )
    return replace(traffic, streams=streams)


OTHER = "printf 'body { color: red; }' | gzip -c"
SHORT = 'gzip -c "$1" | head -c 200'


@pytest.mark.parametrize("as_what", [OTHER, SHORT], ids=["other", "short"])
def test_a_compressed_file_that_is_not_the_plain_one_is_found(loses: Shows, as_what: str) -> None:
    """Only who says that it takes gzip gets it, and the plain one is right."""
    arm = loses(
        CompressesAnew(as_what=as_what), cause="edge_wrong", traffic=variants(), after_s=AFTER_S
    )
    assert failed_streams(arm) == {"asset", "page-asset-gzip"}


def test_both_variants_of_both_releases_are_right_over_a_swap(loses_nothing: Shows) -> None:
    """As above, the file compressed anew, but of the right content; ten times."""
    loses_nothing(CompressesAnew(), traffic=variants())


def test_old_assets_that_are_removed_at_the_switch_are_missed(loses: Shows) -> None:
    """Who has a page of the old release before him asks for its stylesheet, plain or compressed."""
    arm = loses(RemovesOldAssets(), cause="edge_wrong", traffic=variants(), after_s=AFTER_S)
    assert failed_streams(arm) >= {"asset", "asset-plain"}
    assert "404" in arm.cause


def variants() -> Traffic:
    """The heavy mix, and of what comes compressed there the plain one beside it. A page is asked
    for with its asset in both ways too: so the new release's are, from its first page on.
    """
    traffic = heavy_mix(RATE_HZ - 8)
    streams = {each.name: each for each in traffic.streams}
    gzip = streams["asset"].headers
    plain = {"headers": {}, "expect_headers": {}, "rate_hz": 3.0, "tls": Tls.off}
    more = (
        replace(streams["asset"], name="asset-plain", **plain),
        replace(streams["https-page"], name="page-plain", **plain),
        replace(
            streams["page-asset"],
            name="page-asset-gzip",
            headers=gzip,
            expect_headers=streams["asset"].expect_headers,
        ),
    )
    return replace(traffic, streams=(*traffic.streams, *more))


@pytest.fixture
def judged(
    harness_run: Callable[..., Judged], said: Callable[[str], None]
) -> Callable[..., Judged]:
    """`judged(**options of harness_run)`: a run of the default mix, long enough for copies."""

    def run(**options: Any) -> Judged:
        found = harness_run(
            **{"traffic": default_mix(RATE_HZ), "calibrate": False, "after_s": AFTER_S, **options}
        )
        said(f"{found.result.sentence}\n  {found.folder}")
        return found

    return run


def failing(found: Judged) -> list[str]:
    return [one.check for one in found.result.findings if one.verdict is Verdict.failed]


def finding(found: Judged, check: str) -> Finding:
    return next(one for one in found.result.findings if one.check == check)


def of_cached(found: Judged) -> pd.DataFrame:
    rows = load(found.folder).requests
    return rows[rows["stream"] == "cached"]


def failed_streams(arm: Arm) -> set[str]:
    rows = load(Path(arm.folder)).requests
    return set(rows.loc[rows["state"] == "failed", "stream"].astype("str"))
