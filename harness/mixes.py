"""The mixes by name, and what a user may change in one."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from harness.heavy_mix import heavy_mix
from harness.mix import default_mix
from harness.model.errors import NotJudgedError
from harness.model.traffic import ArrivalKind, Traffic

__all__ = ["MIXES", "mixed"]

MIXES: Mapping[str, Callable[..., Traffic]] = {"default": default_mix, "heavy": heavy_mix}


def mixed(
    name: str,
    rate_hz: float,
    *,
    rates: Mapping[str, float],
    timeout_s: float,
    arrivals: ArrivalKind,
) -> Traffic:
    """The mix with that name at `rate_hz` in all, then with the `rates` of single streams changed:
    requests a second, 0 leaves one out.

    NotJudgedError for a mix or a stream that there is not, and where nothing would be sent.
    """
    if name not in MIXES:
        raise NotJudgedError(
            f"mix: there is none named {name!r}; choose one of: {', '.join(MIXES)}"
        )
    traffic = MIXES[name](rate_hz, timeout_s=timeout_s, arrivals=arrivals)
    names = traffic.stream_names()
    for stream in rates:
        if stream not in names:
            raise NotJudgedError(
                f"traffic: the mix {name!r} has no stream {stream!r}; its streams are: "
                f"{', '.join(names)}"
            )
    streams = tuple(
        replace(stream, rate_hz=rates.get(stream.name, stream.rate_hz))
        for stream in traffic.streams
        if rates.get(stream.name, stream.rate_hz)
    )
    if not streams:
        raise NotJudgedError(
            "traffic: every stream has a rate of 0: nothing would be sent; give one a rate above 0"
        )
    return replace(traffic, streams=streams)
