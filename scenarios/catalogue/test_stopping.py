"""How an instance is told to stop, and what its requests make of it."""

import pytest
from procedures import NO_SECOND_TRY, ONE_TRY, DrainThenStop, ShowsArm, StopOnly

from harness.catalogue.model import Kind
from harness.stack.variation import Variation

pytestmark = pytest.mark.catalogue

AT_ONCE = {"LINGER_S": "0"}
"""The website closes its listener as soon as it is told to stop."""


def at_once_and_one_try() -> Variation:
    return Variation(
        name="the website does not linger, HAProxy tries once", balancer=ONE_TRY, website=AT_ONCE
    )


@pytest.mark.chosen
def test_sigterm_before_drain_refuses_connections(shows: ShowsArm) -> None:
    """The old instance closes its listener while HAProxy still sends it every second request.

    Its check notices within some 250 ms; what was sent there until then was refused.
    """
    shows(
        1,
        Kind.drops,
        "SIGTERM, and the balancer has to notice",
        cause="not_connected",
        strategy=StopOnly(),
        variation=at_once_and_one_try(),
    )


@pytest.mark.chosen
def test_drain_before_sigterm_refuses_none(shows: ShowsArm) -> None:
    """The same website and the same balancer: only the drain comes first."""
    shows(
        1,
        Kind.avoids,
        "drained, then SIGTERM",
        strategy=DrainThenStop(),
        variation=at_once_and_one_try(),
    )


def test_a_backlog_dies_with_its_last_worker(shows: ShowsArm) -> None:
    """gunicorn's sync workers, as in the post: idle ones end at once, and those that still answer a
    slow request hold the listening socket open without accepting. The kernel goes on completing
    handshakes, requests are sent, and all of it is reset when the last worker ends: to HAProxy that
    is no refused connection, so it does not try again.
    """
    shows(
        2,
        Kind.drops,
        "sync workers, stopped with slow requests in flight",
        cause=("ended_before_answer", "kept_connection_broke"),
        strategy=StopOnly(),
        variation=sync_workers(),
    )


def test_a_drained_website_has_an_empty_backlog(shows: ShowsArm) -> None:
    """The same workers: nothing is in flight when they are told to stop, so all end at once."""
    shows(
        2,
        Kind.avoids,
        "sync workers, drained first",
        strategy=DrainThenStop(),
        variation=sync_workers(),
    )


def sync_workers() -> Variation:
    return Variation(
        name="the website has 16 sync workers and does not linger",
        website={**AT_ONCE, "GUNICORN_CMD_ARGS": "--worker-class sync --workers 16"},
    )


def test_grace_beyond_the_stop_timeout_is_cut_by_a_kill(shows: ShowsArm) -> None:
    """The engine's patience is 1 s, slow requests take 1.2 s: SIGKILL in the middle of them. (NGINX
    would send a GET once more, and hide that.)
    """
    shows(
        4,
        Kind.drops,
        "a stop timeout of 1 s",
        cause=("ended_before_answer", "kept_connection_broke"),
        strategy=StopOnly(),
        stop_timeout_s=1.0,
        variation=tries_once(),
    )


def test_grace_within_the_stop_timeout_ends_by_itself(shows: ShowsArm) -> None:
    shows(
        4,
        Kind.avoids,
        "a stop timeout of 10 s",
        strategy=StopOnly(),
        stop_timeout_s=10.0,
        variation=tries_once(),
    )


def tries_once() -> Variation:
    return Variation(name="NGINX tries once", edge=NO_SECOND_TRY)


SHELL = ("/bin/sh", "-c", "/usr/bin/python3 /srv/sample_app/launcher.py; exit $?")
EXEC = ("/bin/sh", "-c", "exec /usr/bin/python3 /srv/sample_app/launcher.py")


def test_a_shell_as_first_process_swallows_the_stop_signal(shows: ShowsArm) -> None:
    """`sh` is PID 1 and hands the signal to no one. After 4 s all are killed, in mid-request.
    (Where NGINX may try again it saves the GETs among them, and leaves a few POSTs, or none.)
    """
    shows(
        5,
        Kind.drops,
        "entry by a shell",
        cause=("ended_before_answer", "kept_connection_broke"),
        not_most="where it was is nobody then, and most wait there before they are sent elsewhere",
        strategy=StopOnly(),
        stop_timeout_s=4.0,
        variation=Variation(
            name="the website's entry is a shell, NGINX tries once", entry=SHELL, edge=NO_SECOND_TRY
        ),
    )


def test_exec_in_the_shell_lets_the_stop_signal_arrive(shows: ShowsArm) -> None:
    shows(
        5,
        Kind.avoids,
        "the shell ends in exec",
        strategy=StopOnly(),
        stop_timeout_s=4.0,
        variation=Variation(
            name="the website's entry is a shell that ends in exec, NGINX tries once",
            entry=EXEC,
            edge=NO_SECOND_TRY,
        ),
    )
