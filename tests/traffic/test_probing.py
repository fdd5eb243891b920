"""Which questions are asked before the load."""

from dataclasses import replace

from harness.heavy_mix import heavy_mix
from harness.mix import default_mix
from harness.model.traffic import PROBE, Connection, Stream, Tls, Traffic
from harness.traffic.probing import as_probe, patience_s, questions, where

A = Stream(name="a", path="/", rate_hz=10, origin="http://a.test")


def names(*streams: Stream) -> list[str]:
    return [stream.name for stream in questions(Traffic(streams=streams))]


def test_of_the_targets_own_streams_the_first_stands_for_all() -> None:
    for mix in (default_mix(300), heavy_mix(300)):
        assert questions(mix) == mix.streams[:1]


def test_of_them_one_that_can_be_asked_at_any_time_is_chosen_if_there_is_one() -> None:
    post = Stream(name="post", path="/", rate_hz=10, method="POST", body="x", write=True)
    get = Stream(name="get", path="/", rate_hz=10)
    assert names(post, get) == ["get"]
    assert names(post) == ["post"]
    probe = as_probe(post, every_s=0.1, answer_s=1)
    assert (probe.method, probe.body, probe.write) == ("GET", "", False)


def test_every_stream_of_a_named_origin_is_a_question_once() -> None:
    alike = replace(A, name="b", rate_hz=3, connection=Connection.new, slow=True, timeout_s=3)
    others = [
        replace(A, name=name, **change)  # type: ignore[arg-type]
        for name, change in {
            "origin": {"origin": "http://b.test"},
            "path": {"path": "/b"},
            "method": {"method": "HEAD"},
            "body": {"body": "x"},
            "headers": {"headers": {"A": "b"}},
            "status": {"expect_status": 204},
            "json": {"expect_json": {"a": 1}},
            "text": {"expect_text": "a"},
        }.items()
    ]
    assert names(A, alike, *others) == ["a", *(stream.name for stream in others)]


def test_own_and_named_ones_are_both_asked() -> None:
    assert names(A, Stream(name="own", path="/", rate_hz=1)) == ["own", "a"]


def test_a_question_is_asked_as_it_will_be_but_once_a_connection() -> None:
    order = replace(A, method="POST", body="x", write=True, tls=Tls.resume, headers={"A": "b"})
    probe = as_probe(order, every_s=0.5, answer_s=2)
    assert probe == replace(
        order, name=PROBE, rate_hz=2, connection=Connection.new, timeout_s=2, visit=None
    )
    assert where(order) == "stream 'a', POST http://a.test/"


def test_what_is_slow_on_purpose_has_its_own_time() -> None:
    assert patience_s(A, 5) == 5
    assert patience_s(replace(A, slow=True, timeout_s=30), 5) == 30
    assert patience_s(replace(A, slow=True, timeout_s=3), 5) == 5


def test_the_health_path_is_asked_before_all_as_the_first_stream_is_connected() -> None:
    first = Stream(name="page", path="/", rate_hz=1, tls=Tls.full, headers={"A": "b"})
    health, page = questions(Traffic(streams=(first,), health="/up"))
    assert (health.path, health.tls, health.headers, health.expect_status) == (
        "/up", Tls.full, {"A": "b"}, 200,
    )  # fmt: skip
    assert page == first
