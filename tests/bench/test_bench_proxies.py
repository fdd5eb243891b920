"""HAProxy's and NGINX's configuration: a backend for each algorithm under each workload."""

from harness.bench.algorithms import ALGORITHMS, chosen
from harness.bench.proxies import haproxy, nginx
from harness.bench.workloads import known

ADDRESSES = [f"10.9.0.{number}" for number in range(1, 12)]


def section(text: str, name: str) -> list[str]:
    """The lines of that backend."""
    after = text.split(f"backend {name}\n")[1].splitlines()
    end = next((i for i, line in enumerate(after) if not line.startswith(" ")), len(after))
    return [line.strip() for line in after[:end]]


def of(*names: str) -> list[str]:
    workload, algorithm = names
    workloads = [known()[workload]]
    text = haproxy(chosen([algorithm]), workloads, ADDRESSES)
    return section(text, f"{algorithm}.{workload}")


def test_a_backend_has_the_algorithm_and_the_workloads_servers() -> None:
    assert of("exponential", "hash-map") == [
        "balance hash req.hdr(X-Key)",
        "hash-type map-based",
        *(f"server replica-{n} 10.9.0.{n}:8000 weight 100" for n in range(1, 7)),
    ]
    assert len(of("stalling-server", "roundrobin")) == 1 + 11


def test_a_central_queue_sends_a_server_no_more_than_it_has_slots() -> None:
    assert of("exponential", "central-queue")[1].endswith("weight 100 maxconn 2")
    assert not any("maxconn" in line for line in of("exponential", "leastconn"))


def test_a_swap_has_lines_for_those_that_come_and_a_way_to_ask_each() -> None:
    lines = of("swap", "static-rr")[1:]
    assert lines[:6] == [f"server replica-{n} 10.9.0.{n}:8000 weight 100" for n in range(1, 7)]
    come = [f"server replica-{n} 0.0.0.0:8000 weight 100 disabled" for n in range(7, 13)]
    assert lines[6:] == come
    by_turns = [line for line in of("swap", "roundrobin") if line.startswith("server")]
    assert {line.split(" weight ")[1] for line in by_turns} == {"1", "1 disabled"}
    assert of("swap", "central-queue")[-1].endswith("maxconn 2 disabled")
    text = haproxy(chosen(["leastconn"]), [known()["swap"], known()["fixed"]], ADDRESSES)
    alone = section(text, "control.swap-replica-12")
    assert alone == ["server only 0.0.0.0:8000 disabled"]
    assert "control.swap-replica-13" not in text
    assert "swap-replica" not in haproxy(chosen(["first"]), [known()["fixed"]], ADDRESSES)


def test_weights_are_the_servers_speed_where_the_algorithm_is_weighted() -> None:
    assert of("slow-server", "random-2-weighted")[-1].endswith("weight 20")
    assert of("slow-server", "random-2")[-1].endswith("weight 100")


def test_sessions_stick_where_the_workload_says_so() -> None:
    assert "stick on req.hdr(X-Key)" in of("sticky", "leastconn")
    assert "stick on req.hdr(X-Key)" not in of("exponential", "leastconn")


def test_each_replica_can_be_asked_by_itself_and_haproxy_has_no_backend_of_nginx() -> None:
    text = haproxy(ALGORITHMS, tuple(known().values()), ADDRESSES)
    assert section(text, "control.replica-11") == ["server only 10.9.0.11:8000"]
    assert "nginx" not in text
    assert "\n    nbthread 1\n" in text


def test_nginx_has_its_own_algorithms_and_no_file_where_none_is_asked_for() -> None:
    workloads = [known()["exponential"]]
    text = nginx(ALGORITHMS, workloads)
    assert "upstream nginx-hash.exponential {\n        hash $http_x_key consistent;\n" in text
    assert text.count("server replica-6:8000 max_fails=0;") == 5
    assert "replica-7" not in text
    assert text.count("{") == text.count("}")
    assert not nginx(chosen(["roundrobin"]), workloads)
