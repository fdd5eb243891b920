"""The store: how each is started, what it says of writes, and that an error of its is no list."""

import pytest
from fake_engine import FakeContainer, api_error

from harness.model.errors import MissingEvidenceError
from harness.stack.store import entry, in_turn, operations
from harness.stack.variation import Variation

NOTHING = {"applied": b"\n", "arrived": b"\n"}
FOLLOWS = b"slave\n127.0.0.1\n6379\nconnected\n"


class Redis(FakeContainer):
    """Answers ROLE, LRANGE and HGETALL."""

    def __init__(self, applied: bytes, arrived: bytes, code: int = 0, role: bytes = b"master\n0\n"):
        super().__init__("store")
        self.says = {"ROLE": role, "LRANGE": applied, "HGETALL": arrived}
        self.code = code

    def exec_run(self, command):
        super().exec_run(command)
        assert command[:2] == ["/bin/sh", "-c"]
        return self.code, self.says[command[4]]


def stopped() -> Redis:
    box = Redis(**NOTHING)
    box.errors["exec_run"] = api_error(409, "container is not running")
    return box


def told(*boxes):
    names = ("store", *(f"store-{number}" for number in range(2, len(boxes) + 1)))
    return operations(dict(zip(names, boxes, strict=True)))


def test_what_was_applied_is_counted_and_what_arrived_is_as_it_says():
    found = told(Redis(b"r1-1\nr1-2\nr1-2\n", b"r1-1\n1\nr1-2\n2\nr1-3\n1\n"))
    assert found.applied == {"r1-1": 1, "r1-2": 2}
    assert found.arrived == {"r1-1": 1, "r1-2": 2, "r1-3": 1}


def test_a_store_without_writes_has_none():
    found = told(Redis(**NOTHING))
    assert (found.applied, found.arrived) == ({}, {})


@pytest.mark.parametrize(
    "answer",
    [
        b"NOAUTH Authentication required.\n",
        b"LOADING Redis is loading the dataset in memory\n",
        b"WRONGTYPE Operation against a key holding the wrong kind of value\n",
        b"ERR unknown command\n",
        b"Could not connect to Redis at 127.0.0.1:6379: Connection refused\n",
        b"Error: Server closed the connection\n",
    ],
)
@pytest.mark.parametrize("errs", ["ROLE", "LRANGE", "HGETALL"])
def test_an_error_is_no_operation_though_the_client_ends_with_0(answer, errs):
    store = Redis(b"r1-1\n", b"r1-1\n1\n")
    store.says[errs] = answer
    with pytest.raises(MissingEvidenceError, match=f"Redis did not answer {errs}"):
        told(store)


def test_a_client_that_fails_is_no_answer():
    with pytest.raises(MissingEvidenceError, match="did not answer ROLE"):
        told(Redis(b"", b"", code=127))


def test_of_several_the_newest_that_leads_is_asked():
    """One that was stopped leads nobody, nor does a replica that was never promoted."""
    old = Redis(b"old-1\n", b"old-1\n1\n")
    new = Redis(b"new-1\n", b"new-1\n1\n")
    follows = Redis(b"of-another\n", b"of-another\n1\n", role=FOLLOWS)
    assert told(stopped(), new).applied == {"new-1": 1}
    assert told(old, new).applied == {"new-1": 1}
    assert told(old, follows).applied == {"old-1": 1}
    assert told(old, stopped()).applied == {"old-1": 1}


def test_where_none_leads_nothing_is_known_of_writes():
    follows = Redis(**NOTHING, role=FOLLOWS)
    with pytest.raises(MissingEvidenceError, match=r"none that leads: slave; .*not running"):
        told(stopped(), follows)


def test_who_holds_the_stores_address_is_no_store():
    boxes = {"store-address": stopped(), "store": Redis(b"r1-1\n", b"r1-1\n1\n"), "edge": stopped()}
    assert operations(boxes).applied == {"r1-1": 1}
    with pytest.raises(MissingEvidenceError, match="there is none"):
        operations({"store-address": stopped()})


def test_redis_is_started_without_a_file_unless_it_is_said():
    plain = entry()
    assert plain[0] == "redis-server"
    assert plain[plain.index("--save") + 1] == ""
    assert plain[plain.index("--appendonly") + 1] == "no"
    varied = entry({"appendonly": "yes", "save": "900 1"})
    assert varied.count("--appendonly") == 1
    assert varied[varied.index("--appendonly") + 1] == "yes"
    at = varied.index("--save")
    assert varied[at + 1 : at + 3] == ("900", "1")


def test_stores_at_one_address_take_turns_at_its_ports_and_each_follows_the_one_before():
    spec = in_turn(Variation(name="", held=("store",), store={"appendonly": "yes"}))
    first, second, third = spec(), spec(), spec()
    assert "--replicaof" not in first["entry"]
    assert [each["environment"]["PORT"] for each in (first, second, third)] == [
        "6379",
        "6380",
        "6379",
    ]
    for each, ports in ((second, ("6379", "6380")), (third, ("6380", "6379"))):
        words = list(each["entry"])
        at = words.index("--replicaof")
        assert words[at + 1 : at + 3] == ["127.0.0.1", ports[0]]
        assert ("--port" in words) == (ports[1] != "6379")
        assert words[words.index("--appendonly") + 1] == "yes"


def test_stores_with_addresses_of_their_own_have_one_port_and_follow_nobody():
    spec = in_turn(Variation(name=""))
    assert spec() == spec() == {"entry": entry(), "environment": {"PORT": "6379"}}
