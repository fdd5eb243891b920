import pytest

from harness.model.traffic import Stream, Traffic


def stream(name="get", rate_hz=1.0):
    return Stream(name=name, path="/", rate_hz=rate_hz)


@pytest.mark.parametrize("name", ["", "all", "probe", "twice"])
def test_a_name_that_reports_could_not_tell_apart_is_refused(name):
    with pytest.raises(ValueError, match="names must differ"):
        Traffic(streams=(stream(name), stream("twice")))


@pytest.mark.parametrize("rate_hz", [0.0, -1.0, float("inf"), float("nan")])
def test_a_stream_that_would_send_nothing_or_without_end_is_refused(rate_hz):
    with pytest.raises(ValueError, match="must be above 0"):
        Traffic(streams=(stream(rate_hz=rate_hz),))


@pytest.mark.parametrize("count", [0, 256])
def test_the_count_of_streams_fits_the_byte_on_disk(count):
    with pytest.raises(ValueError, match="1 to 255"):
        Traffic(streams=tuple(stream(f"s{number}") for number in range(count)))
