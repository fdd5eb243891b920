"""What is kept of a run to hold others against it."""

from dataclasses import replace

import pytest
from kept import FIRST, failing, left, made, within
from synthetic import STREAMS, SWAP_AT, SWAP_S, clean

from harness.analysis.latency import SWAP_WINDOW
from harness.model.errors import NotJudgedError
from harness.model.outcome import Outcome
from harness.model.past import ALL
from harness.model.traffic import ArrivalKind, Connection, Traffic
from harness.past.baseline import write_baseline
from harness.past.conditions import conditions, unlike
from harness.past.facts import STEADY, past_of, read_past
from harness.past.result import PAST


def test_its_figures_are_those_of_the_result(tmp_path):
    judged = made(tmp_path, FIRST)
    past = read_past(judged.folder)
    assert past.verdict is judged.result.verdict
    for name in (ALL, "get-reused", "get-new", "write"):
        for phase in (STEADY, SWAP_WINDOW):
            told, cell = judged.result.latency_ms[name][phase], past.cells[name][phase]
            assert (cell.count, cell.p99_ms) == (told.count, told.p99), (name, phase)
            assert sum(sum(block.n) for block in cell.blocks) == cell.count
    assert "slow" not in past.cells
    sent = judged.result.requests.sent
    assert past.in_swaps.sent + past.outside.sent == sent
    assert past.certain_ms == judged.result.certain_outage_ms["all"]
    assert past.swap_s == (3.0,)


def test_blocks_are_seconds_at_least_and_a_tenth_of_what_they_are_of():
    past = past_of(clean(swaps=12).history())
    cells = past.cells[ALL]
    assert (cells[STEADY].block_s, len(cells[STEADY].blocks)) == (1.0, 10)
    # 12 swaps of 3 s with 2 s after each: a swap is one trial.
    assert (cells[SWAP_WINDOW].block_s, len(cells[SWAP_WINDOW].blocks)) == (5.0, 12)
    assert {sum(block.n) for block in cells[STEADY].blocks} == {290}


def test_a_request_that_a_swap_cut_is_one_of_the_swaps():
    """It was due before, and failed in it."""
    draft = clean()
    [seq] = draft.seqs("slow", until=SWAP_AT)[-1:]
    failing(3, since=5)(draft)
    draft.fail([seq], Outcome.reset)
    past = past_of(draft.history())
    assert (past.in_swaps.failed, past.outside.failed) == (1, 3)
    assert past.outages == 2


def test_what_is_kept_is_small_and_reads_back_the_same(tmp_path):
    past = past_of(clean().history())
    write_baseline(tmp_path, past)
    text = (tmp_path / "baseline.json").read_text()
    assert len(text) < 20_000
    assert PAST.load(text) == past


def of(draft):
    return past_of(draft.history())


def other(change):
    """What is said of conditions asks no sample."""
    draft = clean()
    change(draft)
    return replace(of(clean()), conditions=conditions(draft.record))


def faster(stream):
    return replace(stream, rate_hz=stream.rate_hz * 2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda d: d.scenario(traffic=Traffic(streams=tuple(map(faster, STREAMS)))),
            ("rate: 300/s and 600/s",),
        ),
        (
            lambda d: d.scenario(traffic=Traffic(streams=STREAMS, arrivals=ArrivalKind.poisson)),
            ("arrivals: even and poisson",),
        ),
        (within(cores=64), ("cores: 2 and 64",)),
        (within(system="Linux 7"), ("machine: not recorded and Linux 7",)),
        (lambda d: d.scenario(target="url"), ("target: stack and url",)),
        (
            lambda d: d.scenario(settings={"algorithm": "leastconn"}),
            ("algorithm: roundrobin and leastconn",),
        ),
        (
            lambda d: d.scenario(settings={"algorithm": "roundrobin", "replicas": 3}),
            ("replicas: not recorded and 3",),
        ),
        (lambda d: d.scenario(swap="reload"), ("swap: drain and reload",)),
        (
            lambda d: d.scenario(
                traffic=Traffic(
                    streams=(replace(STREAMS[0], connection=Connection.new), *STREAMS[1:])
                )
            ),
            ("stream get-reused: 50 % GET /items and 50 % GET /items connection=new",),
        ),
        (
            lambda d: d.scenario(
                traffic=Traffic(
                    streams=(replace(STREAMS[0], rate_hz=160), *STREAMS[1:3])
                )
            ),
            (
                "stream slow: 3.33 % GET /slow slow=true and none",
                "stream get-reused: 50 % GET /items and 53.3 % GET /items",
            ),
        ),
        # A url's port, an unknown processor, what an answer must be: those change by themselves.
        (within(cpu="Any"), ()),
        (
            lambda d: d.scenario(
                traffic=Traffic(streams=(replace(STREAMS[0], expect_text="x"), *STREAMS[1:]))
            ),
            (),
        ),
    ],
)  # fmt: skip
def test_each_difference_is_named_with_both_values(change, said):
    assert unlike(of(clean()), other(change)) == said


def test_ports_of_a_url_and_hashes_in_a_path_are_no_difference():
    def at(url, path):
        draft = clean()
        draft.scenario(traffic=Traffic(streams=(replace(STREAMS[0], path=path), *STREAMS[1:])))
        within(url=url)(draft)
        return replace(of(clean()), conditions=conditions(draft.record))

    one = at("http://127.0.0.1:8000/", "/a-0022c2c07e74.css")
    assert unlike(one, at("http://127.0.0.1:9000/", "/a-99887766aabb.css")) == ()
    assert unlike(one, at("http://shop.example/", "/b.css")) == (
        "target: stack http://127.0.0.1 and stack http://shop.example",
        "stream get-reused: 50 % GET /a-….css and 50 % GET /b.css",
    )


@pytest.mark.parametrize(
    ("ruin", "said"),
    [
        (lambda folder: None, "the run was not judged; judge it with `harness report"),
        (
            lambda folder: (folder / "result.json").write_text("{"),
            "expected a run's result, observed:",
        ),
        (lambda folder: (folder / "scenario.json").unlink(), "expected a run folder"),
        (
            lambda folder: (folder / "requests.bin").write_bytes(b""),
            "the run was not judged",
        ),
    ],
)
def test_a_run_that_cannot_be_compared_is_one_message(tmp_path, ruin, said):
    folder = left(tmp_path, FIRST)
    ruin(folder)
    with pytest.raises(NotJudgedError, match=said):
        read_past(folder)


def test_a_run_whose_requests_are_gone_is_refused(tmp_path):
    judged = made(tmp_path, FIRST)
    (judged.folder / "requests.parquet").unlink()
    with pytest.raises(NotJudgedError, match=r"no request of the run is left, and its 5,400"):
        read_past(judged.folder)


def test_the_swap_window_ends_where_it_settled():
    past = past_of(clean().history())
    assert past.in_swaps.sent == pytest.approx(300 * (SWAP_S + 2), abs=5)


def test_of_many_streams_the_first_stand_for_all():
    streams = tuple(replace(stream, method="PUT") for stream in STREAMS)
    said = unlike(of(clean()), other(lambda d: d.scenario(traffic=Traffic(streams=streams))))
    assert said[0] == "stream get-reused: 50 % GET /items and 50 % PUT /items"
    assert said[3:] == ("and 1 more of the streams",)
