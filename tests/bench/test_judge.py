from dataclasses import replace
from ipaddress import IPv4Address
from typing import Final

import numpy as np
import pytest
from benches import PATH_S, START, Benched, S, plan

from harness.bench.algorithms import ALGORITHMS
from harness.bench.choosers.chooser import View
from harness.bench.judge import COMPARED
from harness.bench.measures import measures_of
from harness.bench.model import Change
from harness.bench.predicted import (
    chooser_of,
    events_of,
    hashes_of,
    path_s,
    plays_of,
    predicted_s,
)
from harness.bench.workloads import known
from harness.model.draw import DrawKind, key_text

QUICK = ("roundrobin", "leastconn", "random-2", "central-queue")


@pytest.fixture(scope="module")
def quick():
    return Benched(plan(QUICK, ("exponential", "slow-server"))).judge()


def fresh(**options):
    return Benched(plan(("roundrobin", "leastconn"), ("slow-server",), **options))


def figures(case, name):
    return next(one for one in case.algorithms if one.algorithm == name)


def test_a_case_is_a_workload_at_a_load_in_the_order_of_the_plan(quick):
    assert [(case.workload, case.load) for case in quick.cases] == [
        ("exponential", 0.7),
        ("slow-server", 0.7),
    ]
    assert [one.algorithm for one in quick.cases[0].algorithms] == list(QUICK)
    assert (quick.planned, quick.done, quick.left_out) == (40, 40, ())


def test_the_slow_server_is_worst_for_round_robin_and_the_central_queue_best(quick):
    slow = quick.cases[1]
    assert slow.best["p99"][0] == "central-queue"
    assert "roundrobin" not in slow.best["p99"]
    assert slow.sentence.startswith("one server 5 times slower, at 70 % load: central-queue's p99")
    assert "times lower than roundrobin's; " in slow.sentence
    p99 = {one.algorithm: one.latency_ms["p99"].middle for one in slow.algorithms}
    assert p99["roundrobin"] > 3 * p99["leastconn"]


def test_the_figures_of_the_central_queue_are_near_m_m_12(quick):
    even = quick.cases[0]
    central = figures(even, "central-queue")
    assert even.limit.queue == "M/M/12"
    expected = even.limit.queue_ms["mean"] + 1e3 * PATH_S
    assert central.latency_ms["mean"].middle == pytest.approx(expected, rel=0.05)
    assert central.to_central["p99"].middle == 1.0
    assert central.to_bound["mean"] > 1
    assert quick.cases[1].limit.queue == ""


def test_what_was_simulated_is_predicted_but_for_the_path(quick):
    for case in quick.cases:
        one = figures(case, "roundrobin")
        for name in ("p50", "p99"):
            found = one.predicted_ms[name] - one.latency_ms[name].middle
            assert found == pytest.approx(0, abs=0.2), (case.workload, name)


def test_where_loads_decide_several_plays_of_a_round_are_predicted_together():
    """Each by itself is an example, as the measured round is."""
    benched = fresh(rounds=3, seconds=6.0)
    by_name = {each.name: each for each in ALGORITHMS}
    for name, count in (("roundrobin", 1), ("leastconn", 3)):
        cell = benched.cells(algorithm=name)[0]
        given = (by_name[name], known()["slow-server"], benched.rounds[cell])
        rows = benched.samples[cell]
        judged = rows["due_ns"] >= given[2].measured_ns
        plays = [
            np.quantile(predicted_s(*given, rows, play=play)[judged], 0.5, method="inverted_cdf")
            for play in range(count)
        ]
        assert len(set(plays)) == plays_of(by_name[name]) == count
        found = measures_of(*given, rows).predicted_ms["p50"]
        assert found == pytest.approx(1e3 * np.exp(np.log(plays).mean()))


def test_what_knows_nothing_of_loads_is_played_once():
    once = {each.name for each in ALGORITHMS if plays_of(each) == 1}
    assert once == {
        "roundrobin", "roundrobin-again", "roundrobin-weighted", "static-rr", "source", "uri",
        "url_param", "hdr", "hash-map", "hash-consistent", "nginx-roundrobin", "nginx-ip_hash",
        "nginx-hash",
    }  # fmt: skip


def test_a_simulation_that_is_fed_its_own_rounds_is_near_them(quick):
    """To 1 % what is played once; other plays of what loads decide are other examples."""
    once = {each.name for each in ALGORITHMS if plays_of(each) == 1}
    for case in quick.cases:
        for one in case.algorithms:
            if one.algorithm in once:
                assert one.deviation["p99"].middle == pytest.approx(1, abs=0.01)
            assert not one.deviates_by


def slowed(factor, *, of=None):
    """Answers that took `factor(number of the round)` as long as the simulation says."""
    benched = fresh()
    for cell in benched.cells(algorithm="leastconn"):
        rows = benched.samples[cell]
        took = (rows["finished_ns"] - rows["due_ns"]) * factor(cell.number)
        rows["finished_ns"] = rows["due_ns"] + took.astype(np.int64)
        if of:
            of(benched, cell)
    return figures(benched.judge().cases[0], "leastconn")


def test_a_simulation_that_is_far_off_is_said_not_to_be_explained():
    one = slowed(lambda _: 1.5)
    assert one.deviation["p99"].middle == pytest.approx(1 / 1.5, rel=0.02)
    assert one.deviation["p99"].high < 1
    assert one.deviates_by == "not explained"


def test_it_is_the_machine_s_where_it_was_short_of_cpu():
    def starve(benched, cell):
        if cell.number < 3:
            benched.rounds[cell] = replace(benched.rounds[cell], steal_share=0.06)

    one = slowed(lambda _: 1.5, of=starve)
    assert one.deviates_by == "the machine was short of CPU in 2 of 5 rounds"


def test_it_is_chance_s_where_rounds_differ_by_as_much():
    one = slowed(lambda number: 4.0 if number == 1 else 1.0)
    assert one.deviation["p99"].middle < 0.85
    assert one.deviation["p99"].high > 1
    assert one.deviates_by == "no difference is shown: the 5 rounds differ by as much"


def test_it_is_the_failed_requests_where_there_were_some():
    def fail(benched, cell):
        benched.samples[cell].iloc[0, list(benched.samples[cell]).index("outcome")] = "reset"
        benched.samples[cell].iloc[-1, list(benched.samples[cell]).index("outcome")] = "reset"

    assert slowed(lambda _: 1.5, of=fail).deviates_by == (
        "5 requests failed, and none does in the simulation"
    )


def test_a_workload_with_its_own_rate_is_told_by_its_share_in_time():
    benched = Benched(plan(("roundrobin", "leastconn"), ("stalling-server",), rounds=3))
    [case] = benched.judge().cases
    assert case.sentence.startswith(
        "one server of 11 at 2 s for half of the time: within 1 s: leastconn "
    )
    share = figures(case, "roundrobin").within_rounds
    assert 0.94 < share.low < share.middle < share.high < 0.97
    assert f"roundrobin {share.middle * 100:.2f} ± " in case.sentence


def test_no_figure_without_ten_samples_beyond_it_in_three_rounds():
    """5 rounds of some 8 s have no p99.9, and 2 rounds have nothing."""
    few = Benched(plan(("roundrobin", "leastconn"), ("exponential",), seconds=8.0)).judge()
    latency = few.cases[0].algorithms[0].latency_ms
    assert latency["p99"].middle
    assert latency["p999"].middle is None
    two = fresh(rounds=2).judge().cases[0]
    assert two.best == dict.fromkeys(COMPARED, ())
    assert all(one.latency_ms["p50"].middle is None for one in two.algorithms)
    assert two.sentence.endswith(
        "nothing to compare; too few rounds resolve p99 for roundrobin and leastconn"
    )


def test_who_failed_was_not_fast():
    """2 % of failures, at once: p90 stands, p99 is no number, nor are mean and max."""
    benched = fresh()
    for cell in benched.cells(algorithm="leastconn"):
        rows = benched.samples[cell]
        bad = rows["seq"] % 50 == 7
        rows.loc[bad, "outcome"] = "reset"
        rows.loc[bad, "finished_ns"] = rows.loc[bad, "due_ns"] + 1
    case = benched.judge().cases[0]
    one = figures(case, "leastconn")
    assert one.failed > 0
    assert one.within == pytest.approx(0.98, abs=0.002)
    known_ = {name for name, found in one.latency_ms.items() if found.middle is not None}
    assert known_ == {"p50", "p90"}
    assert "leastconn" not in case.best["p99"]
    assert one.unbounded == ("mean", "p99", "max")
    assert case.sentence.endswith("nothing to compare; failed requests reach p99 of leastconn")
    assert max(share for share, _ in one.curve) < 0.99


def test_rounds_without_failures_do_not_speak_for_those_with():
    """Failures reach p99 in 2 of 5 rounds; the 3 others alone would make it the best."""
    benched = fresh()
    for cell in benched.cells(algorithm="leastconn")[:2]:
        rows = benched.samples[cell]
        rows.loc[rows["seq"] % 50 == 7, "outcome"] = "reset"
    case = benched.judge().cases[0]
    one = figures(case, "leastconn")
    assert one.latency_ms["p99"].middle is None
    assert one.latency_ms["p50"].middle is not None
    assert "p99" in one.unbounded
    assert case.best["p99"] == ("roundrobin",)
    assert case.versus["p99"] == ()
    assert figures(case, "roundrobin").unbounded == ()


def test_a_round_with_a_problem_counts_nowhere_and_is_told():
    benched = fresh()
    [first, *_] = benched.cells(algorithm="roundrobin")
    benched.rounds[first] = replace(benched.rounds[first], problems=("cores 97 % busy", "other"))
    result = benched.judge()
    assert result.left_out == (f"{first.name}: cores 97 % busy",)
    assert figures(result.cases[0], "roundrobin").rounds == 4
    assert figures(result.cases[0], "leastconn").rounds == 5


def test_a_bench_without_rounds_is_judged():
    benched = fresh()
    benched.rounds.clear()
    result = benched.judge()
    assert (result.cases, result.done, result.planned) == ((), 0, 10)


def test_the_warm_up_is_not_judged():
    benched = fresh()
    for cell, rows in benched.samples.items():
        early = rows["due_ns"] < benched.rounds[cell].measured_ns
        assert early.any()
        rows.loc[early, "outcome"] = "reset"
    result = benched.judge()
    assert all(one.failed == 0 for one in result.cases[0].algorithms)


def test_sums_are_over_rounds():
    case = fresh().judge().cases[0]
    one = figures(case, "leastconn")
    assert sum(one.server_requests.values()) == one.requests
    assert list(one.server_requests) == [f"replica-{number}" for number in range(1, 7)]
    assert one.server_busy_s["replica-1"] == 5.0
    assert one.fairness == pytest.approx(1.0, abs=1e-3)
    assert one.longest_queue == 5
    assert one.throughput_hz == pytest.approx(one.requests / 100)
    # Half a second of CPU a round, of 21 seconds each.
    assert one.cpu_us == pytest.approx(2.5 / (one.requests * 21 / 20) * 1e6)
    assert one.hit_ratio is None


def test_hits_are_counted_where_there_is_a_cache():
    benched = Benched(plan(("uri",), ("cached-keys",), rounds=3, seconds=5.0))
    for rows in benched.samples.values():
        rows["hit"] = rows["seq"] % 4 == 0
    [one] = benched.judge().cases[0].algorithms
    assert one.hit_ratio == pytest.approx(0.25, abs=0.01)
    assert one.to_central == {}


def test_an_algorithm_against_itself_differs_in_at_most_3_of_20_benches():
    """The control arm, with service times of its own: alike rounds would be no trial."""
    shown = 0
    for seed in range(20):
        benched = Benched(
            plan(("leastconn", "roundrobin"), ("exponential",), seconds=4.0, seed=seed * 100)
        )
        for cell in benched.cells(algorithm="roundrobin"):
            like = replace(cell, algorithm="leastconn")
            rng = np.random.default_rng(seed * 10 + cell.number)
            rows = benched.samples[like].copy()
            took = (rows["finished_ns"] - rows["due_ns"]).to_numpy()
            rows["finished_ns"] = rows["due_ns"] + rng.choice(took, len(took))
            benched.samples[cell] = rows
        [one] = benched.judge().cases[0].versus["p99"]
        shown += one.is_shown
    assert shown <= 3


def test_nginx_is_simulated_too():
    result = Benched(plan(("nginx-least_conn",), ("fixed",), rounds=3, seconds=5.0)).judge()
    [one] = result.cases[0].algorithms
    assert one.predicted_ms["p50"] == pytest.approx(one.latency_ms["p50"].middle, rel=0.01)
    assert result.cases[0].limit.queue == "M/D/12"


def test_every_algorithm_is_simulated():
    assert {each.name for each in ALGORITHMS if chooser_of(each, 1) is None} == set()
    unknown = replace(ALGORITHMS[-1], lines=("hash $request_id;",))
    assert chooser_of(unknown, 1) is None


def test_a_key_is_hashed_as_it_is_sent():
    by_name = {each.name: each for each in ALGORITHMS}
    keys = np.array([0, 258])
    clients = [int(IPv4Address(key_text(DrawKind.client, key))) for key in keys.tolist()]
    assert hashes_of(by_name["source"], keys).tolist() == clients
    text = hashes_of(by_name["hdr"], keys)
    assert hashes_of(by_name["url_param"], keys).tolist() == text.tolist()
    assert hashes_of(by_name["hash-map"], keys).tolist() == text.tolist()
    assert hashes_of(by_name["uri"], keys).tolist() != text.tolist()
    assert hashes_of(by_name["hash-consistent"], keys).tolist() != text.tolist()


MET: Final = {
    "nginx-hash": "241211526625222263616262146235662463255212344662231411431221",
    "nginx-ip_hash": "433431111234441222265565222266661233361611444541111545561222",
    "hdr": "..234561235612345.1.6123.56.23123456123423456123.53456123.56",
    "source": "..321216545432321.5.5432.21.16543432121654543212.65654323.16",
    "hash-map": "..234561235612345.1.6123.56.23123456123423456123.53456123.56",
    "uri": "..561234566123456.2.1234.61.34234561234534561234.64561234.61",
    "hash-consistent": "..552212312461235.2.3126.41.53221524542662615531.31631612.23",
    "url_param": "..234561235612345.1.6123.56.23123456123423456123.53456123.56",
}
"""Which of six equal replicas keys k0 to k59 met on HAProxy 3.0.11 and NGINX 1.26.3; a dot for a
key that was not asked for."""


@pytest.mark.parametrize("name", MET)
def test_a_key_meets_the_server_that_it_met_when_it_was_measured(name):
    algorithm = next(each for each in ALGORITHMS if each.name == name)
    weight = 1600 if algorithm.proxy == "haproxy" else 16
    seen = View(weights=[weight] * 6, is_usable=[True] * 6, limit=0)
    chooser = chooser_of(algorithm, 1)(0, seen)
    hashes = hashes_of(algorithm, np.arange(60)).tolist()
    found = [str(chooser.choose(each) + 1) for each in hashes]
    assert [a for a, b in zip(found, MET[name], strict=True) if b != "."] == list(
        MET[name].replace(".", "")
    )


def test_changes_become_events_in_seconds():
    workload = replace(
        known()["exponential"],
        changes=(
            Change(server=2, begins=0.0, ends=0.5, factor=2, at_least_ms=10),
            Change(server=2, begins=0.25, ends=0.5, factor=3, weight=7),
            Change(server=3, begins=0.5, ends=1.0, is_away=True),
        ),
    )
    done = fresh(rounds=3).rounds
    one = replace(next(iter(done.values())), measured_ns=START + 2 * S, stop_ns=START + 10 * S)
    events = events_of(ALGORITHMS[0], workload, one)
    assert [(each.at_s, each.server, each.factor, each.at_least_s, each.is_usable, each.weight)
            for each in events] == [
        (0.0, 1, 2.0, 0.01, True, 1600),
        (4.0, 1, 6.0, 0.03, True, 112),
        (6.0, 1, 1.0, 0.0, True, 1600),
        (0.0, 2, 1.0, 0.0, True, 1600),
        (6.0, 2, 1.0, 0.0, False, 1600),
        (10.0, 2, 1.0, 0.0, True, 1600),
    ]  # fmt: skip


def test_the_path_is_what_the_least_disturbed_answers_took():
    [rows, *_] = fresh(rounds=3).samples.values()
    rows["finished_ns"] = rows["sent_ns"] + rows["service_us"] * 1000 + 3_000_000
    rows.loc[rows["seq"] % 2 == 0, "finished_ns"] += 50_000_000
    assert path_s(rows) == pytest.approx(0.003)
    rows["outcome"] = "reset"
    assert path_s(rows) == 0.0
