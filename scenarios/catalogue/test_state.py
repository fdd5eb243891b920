"""What a release leaves for the other to read, and what it asks of it."""

import pytest
from procedures import ShowsArm, lasting

from harness.catalogue.model import Kind
from harness.stack.variation import Variation

pytestmark = pytest.mark.catalogue


def test_sessions_in_a_process_are_gone_with_it(shows: ShowsArm) -> None:
    """Who has logged in on the old release is nobody on the new one, and is told so with status
    200: only a check of what the answer says notices.
    """
    shows(
        25,
        Kind.drops,
        "sessions in the process's memory",
        cause="website_wrong",
        traffic=lasting(150, session=4),
        swap="drain",
        variation=Variation(
            name="the website keeps sessions in memory", website={"SESSIONS": "memory"}
        ),
    )


def test_sessions_in_a_store_outlive_the_process(shows: ShowsArm) -> None:
    shows(25, Kind.avoids, "sessions in Redis", traffic=lasting(150, session=4), swap="drain")


FROM_THE_WEBSITE = {"root /srv;": "proxy_pass http://balancer;", "gzip_static on;": ""}
"""Of nginx.conf: who asks for an asset is answered by whichever release gets the request."""


def test_the_new_release_does_not_have_the_old_ones_assets(shows: ShowsArm) -> None:
    """Each release serves its own assets, under names with a hash. Who got a page of the old one
    asks the new one for a stylesheet that it never had: 404.
    """
    shows(
        26,
        Kind.drops,
        "each release serves its own assets",
        cause="website_wrong",
        traffic=lasting(150, page_asset=2),
        swap="drain",
        variation=Variation(
            name="NGINX passes questions for assets on to the website", edge=FROM_THE_WEBSITE
        ),
    )


def test_assets_of_both_releases_are_kept(shows: ShowsArm) -> None:
    shows(
        26,
        Kind.avoids,
        "the edge has the assets of both",
        traffic=lasting(150, page_asset=2),
        swap="drain",
    )


def test_a_format_that_the_old_release_cannot_read(shows: ShowsArm) -> None:
    """While both serve, who logs in on the new release is sent to the old one with the next
    request, which makes nothing of a session that was written in the new format.
    """
    shows(
        29,
        Kind.drops,
        "a new format, which only the new release reads",
        cause="website_wrong",
        traffic=lasting(150, session=8),
        swap="rolling",
        replicas=2,
        variation=Variation(
            name="v2 writes sessions in a new format", website={"NEW_FORMAT": "v2"}
        ),
    )


def test_a_format_is_read_by_all_before_one_writes_it(shows: ShowsArm) -> None:
    """Expand, then contract: the release before had already learned to read what comes."""
    shows(
        29,
        Kind.avoids,
        "a new format, which both releases read",
        traffic=lasting(150, session=8),
        swap="rolling",
        replicas=2,
        variation=Variation(
            name="v2 writes sessions in a new format, v1 reads it too",
            website={"NEW_FORMAT": "v2", "EXPANDED": "1"},
        ),
    )
