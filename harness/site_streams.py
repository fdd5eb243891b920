"""Streams as a user said them, made into traffic for the origins that they name."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from harness.model.errors import NotJudgedError
from harness.model.traffic import MOST_STREAMS, ArrivalKind, Connection, Stream, Tls, Traffic
from harness.site import Address, address_of, sendable
from harness.site_mix import HEADERS
from harness.streams import StreamSettings, is_of_body
from harness.traffic.allowed import refuse

__all__ = ["site_streams"]

_GAP: Final = "{operation}"
_FILLED: Final = "0harness0operation0"
"""Stands for the request's id where a URL is looked at."""


def site_streams(
    said: Sequence[StreamSettings],
    base: Address | None,
    rate_hz: float,
    *,
    expect_status: int = 200,
    expect_text: str = "",
    release_from: str = "",
    timeout_s: float = 10.0,
    arrivals: ArrivalKind = ArrivalKind.even,
) -> Traffic:
    """`rate_hz` requests a second in all, shared by weight. Paths are on `base`.

    What a stream leaves unsaid is as the keywords have it. NotJudgedError with a line for each
    stream that cannot be asked.
    """
    wrong = _wrong_names(said)
    streams = []
    whole = sum(each.weight for each in said)
    for each in said:
        try:
            address = _address(each, base)
            stream = Stream(
                name=each.name,
                path=address.path,
                rate_hz=rate_hz * each.weight / whole,
                origin=address.origin,
                method=each.method,
                connection=each.connection,
                tls=_tls(each, address),
                headers=_headers(each),
                body=_body(each),
                expect_status=each.expect_status or expect_status,
                expect_headers=each.expect_headers,
                expect_text=_text(each, expect_text),
                expect_json=each.expect_json,
                release_from=_release(each, release_from),
                cached_s=each.cached_s,
                write=each.write,
                slow=each.slow,
                timeout_s=each.timeout_s or timeout_s,
            )
            refuse(stream, address.authority, stream.headers)
        except NotJudgedError as error:
            wrong.append(str(error))
        except ValueError as error:
            wrong.append(f"settings: {error}")
        else:
            streams.append(stream)
    if wrong:
        raise NotJudgedError("\n".join(wrong))
    return Traffic(arrivals=arrivals, release_from=release_from, streams=tuple(streams))


def _wrong_names(said: Sequence[StreamSettings]) -> list[str]:
    names = [each.name for each in said]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    wrong = [
        f"settings: stream {name!r}: {names.count(name)} streams have this name; names must differ"
        for name in twice
    ]
    if len(names) > MOST_STREAMS:
        wrong.append(f"settings: {len(names)} streams; at most {MOST_STREAMS} are possible")
    return wrong


def _address(said: StreamSettings, base: Address | None) -> Address:
    """Where, with the path as it is sent, but for what is drawn a request."""
    whose = f"settings: stream {said.name!r}: url"
    url = said.url.replace(_GAP, _FILLED)
    if "://" in url:
        address = address_of(url, whose)
        if _FILLED in address.authority.lower():
            raise NotJudgedError(f"{whose}: {said.url!r} has {_GAP} elsewhere than in its path")
        return _with_path(address, address.path)
    if base is None:
        raise NotJudgedError(
            f"{whose}: {said.url!r} is no whole URL, and there is no first url that it is on; "
            "write it whole, or name that with --url"
        )
    if not url:
        return base
    if not url.startswith("/") or "#" in url or not sendable(url):
        raise NotJudgedError(
            f"{whose}: {said.url!r} is neither a URL nor a path: begin with http://, https:// or "
            "/, leave out #…, and percent-encode what a URL does not hold"
        )
    return _with_path(base, url)


def _with_path(address: Address, path: str) -> Address:
    return replace(address, path=path.replace(_FILLED, _GAP))


def _tls(said: StreamSettings, address: Address) -> Tls:
    if not address.is_secure:
        if said.tls is not None:
            raise NotJudgedError(
                f"settings: stream {said.name!r}: tls = {said.tls.value!r} is for an https URL, "
                f"and this one is of {address.origin}; leave it out"
            )
        return Tls.off
    return said.tls or (Tls.resume if said.connection is Connection.reuse else Tls.full)


def _headers(said: StreamSettings) -> dict[str, str]:
    """What nobody said, and the user's own."""
    usual = dict(HEADERS)
    if said.json_body is not None:
        usual["Content-Type"] = "application/json"
    own = {name.lower() for name in said.headers}
    return {name: text for name, text in usual.items() if name.lower() not in own} | said.headers


def _body(said: StreamSettings) -> str:
    return said.body if said.json_body is None else json.dumps(said.json_body)


def _release(said: StreamSettings, usual: str) -> str | None:
    """What is told by bodies is told by none where there is none."""
    is_untold = said.method == "HEAD" and said.release is None and is_of_body(usual)
    return "" if is_untold else said.release


def _text(said: StreamSettings, usual: str) -> str:
    if said.expect_text is not None:
        return said.expect_text
    return "" if said.method == "HEAD" else usual
