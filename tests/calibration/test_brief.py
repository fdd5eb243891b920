"""What of a traffic is calibrated with."""

from dataclasses import replace

import pytest

from harness.calibration.calibrator import _brief
from harness.heavy_mix import heavy_mix
from harness.mix import default_mix
from harness.model.errors import MissingEvidenceError
from harness.model.traffic import Tls, Traffic


def test_visits_and_slow_uploads_are_left_out():
    names = _brief(heavy_mix(300)).stream_names()
    assert names == (*default_mix(300).stream_names(), "download")


def test_other_traffic_is_calibrated_with_as_it_is():
    assert _brief(default_mix(300)) == default_mix(300)


def test_where_everything_lasts_there_is_nothing_to_calibrate_with():
    lasting = tuple(each for each in heavy_mix(300).streams if each.visit)
    with pytest.raises(MissingEvidenceError, match="lasts by nature"):
        _brief(Traffic(streams=lasting))


def test_what_is_over_http2_is_left_out():
    first, *rest = default_mix(300).streams
    over = replace(first, tls=Tls.full, http2=True)
    assert _brief(Traffic(streams=(over, *rest))).streams == tuple(rest)
    with pytest.raises(MissingEvidenceError, match="over HTTP/2"):
        _brief(Traffic(streams=(over,)))
