"""`harness doctor`: its lines, its exit code."""

import argparse
import json
import socket
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from harness.config import Settings, load
from harness.doctor.engine import compose_line, engine_lines
from harness.doctor.line import Line, State, missing, ok
from harness.doctor.machine import machine_lines
from harness.doctor.rate import Held, measured, rates_to_try
from harness.model.errors import Interrupted, MissingEvidenceError, NotJudgedError
from harness.model.scenario import Scenario
from harness.model.traffic import Traffic
from harness.options import given_settings
from harness.report.figures import printable
from harness.site import address_of
from harness.verify import prepared

__all__ = ["doctor"]

_SCHEMA: Final = 1
_SECONDS: Final = 3.0
_CONNECT_S: Final = 5.0
_LACKING: Final = 2
_SIGNS: Final = {State.ok: "✓", State.missing: "✗", State.note: "!"}


def doctor(options: argparse.Namespace) -> int:
    """Prints what is there and what is missing; 0, or 2 where something that is needed is missing.

    NotJudgedError for settings that are none, Interrupted on Ctrl-C.
    """
    settings = load(given_settings(options))
    lines: list[Line] = []
    rates: list[Held] = []

    def say(line: Line) -> None:
        lines.append(line)
        if not options.json:
            _print(line)

    scenario, judged = _judged(settings)
    traffic = scenario.traffic if scenario else None
    say(judged)
    for line in machine_lines(settings.reports, traffic):
        say(line)
    for line in _target_lines(settings, scenario):
        say(line)
    if not options.quick and traffic is not None:
        say(_rate_line(settings, traffic, rates))
    if options.json:
        told = {"schema": _SCHEMA, "lines": lines, "rates": rates}
        print(json.dumps(told, default=asdict, indent=1))
    return _LACKING if any(line.state is State.missing for line in lines) else 0


def _judged(settings: Settings) -> tuple[Scenario | None, Line]:
    """What would be run; None where the settings could not."""
    try:
        scenario, _ = prepared("doctor", settings)
    except NotJudgedError as error:
        return None, missing("settings", str(error).replace("settings: ", ""))
    sent = f"{scenario.traffic.rate_hz:g}/s in {len(scenario.traffic.streams)} streams"
    return scenario, ok("settings", f"{scenario.swap} on target {scenario.target}, {sent}")


def _target_lines(settings: Settings, scenario: Scenario | None) -> Iterator[Line]:
    urls = [settings.url] if isinstance(settings.url, str) else list(settings.url)
    if any(urls) or (scenario and scenario.target == "url"):
        yield ok("engine", "not needed: url names the target")
        for url in filter(None, urls):
            yield from _url_lines(url)
        return
    given = {name: str(getattr(settings, name, "")) for name in ("old_image", "new_image")}
    images = settings.images | {name: image for name, image in given.items() if image}
    yield from engine_lines(settings.host, settings.path, images)
    if getattr(settings, "compose", ""):
        yield compose_line()


def _url_lines(url: str) -> Iterator[Line]:
    """A bare connection tells; it carries no request."""
    try:
        address = address_of(url)
    except NotJudgedError:
        # The line on the settings has it.
        return
    where = f"{address.host}:{address.port}"
    try:
        socket.create_connection((address.host, address.port), _CONNECT_S).close()
    except OSError as error:
        yield missing(
            "url", f"{where}: {error.strerror or error}", "check that it runs, and the URL"
        )
        return
    yield ok("url", f"{where} takes connections")


def _rate_line(settings: Settings, traffic: Traffic, rates: list[Held]) -> Line:
    """Adds to `rates` what was measured."""
    rate_hz = traffic.rate_hz
    try:
        with tempfile.TemporaryDirectory(prefix="harness-doctor-") as folder:
            for held in measured(
                traffic,
                rates_to_try(rate_hz),
                seconds=_SECONDS,
                seed=settings.seed,
                folder=Path(folder),
            ):
                rates.append(held)  # noqa: PERF402 (what was measured counts, whatever comes then)
    except KeyboardInterrupt:
        raise Interrupted("interrupted: the rate was not measured to its end") from None
    except MissingEvidenceError as error:
        if not rates:
            return missing("rate", f"nothing was measured: {error}")
    return _told(rates)


def _told(rates: Sequence[Held]) -> Line:
    first, most = rates[0], [each for each in rates if each.is_held]
    if not most:
        return missing("rate", first.text, "lower --rate, or free the machine")
    best = most[-1]
    seen = (
        f"at {first.rate_hz:g}/s an outage of {first.certain_outage_ms:.1f} ms is sure to be seen"
        if first.certain_outage_ms is not None
        else f"what outage is sure to be seen at {first.rate_hz:g}/s is not known"
    )
    text = f"{best.rate_hz:g}/s were held; {seen}"
    last = rates[-1]
    return ok("rate", text if last.is_held else f"{text}; {last.rate_hz:g}/s were not held")


def _print(line: Line) -> None:
    first, *rest = line.text.splitlines() or [""]
    print(f"{_SIGNS[line.state]} {line.name}: {printable(first)}", flush=True)
    for more in rest:
        print(f"    {printable(more)}")
    if line.remedy:
        print(f"    {line.remedy}")
