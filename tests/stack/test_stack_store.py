"""The store: what it says of writes, and that an error of its is no list of them."""

import pytest
from fake_engine import FakeContainer

from harness.model.errors import MissingEvidenceError
from harness.stack.store import operations


class Redis(FakeContainer):
    """Answers LRANGE and HGETALL."""

    def __init__(self, applied: bytes, arrived: bytes, code: int = 0) -> None:
        super().__init__("store")
        self.says = {"LRANGE": applied, "HGETALL": arrived}
        self.code = code

    def exec_run(self, command):
        return self.code, self.says[command[1]]


def test_what_was_applied_is_counted_and_what_arrived_is_as_it_says():
    told = operations(Redis(b"r1-1\nr1-2\nr1-2\n", b"r1-1\n1\nr1-2\n2\nr1-3\n1\n"))
    assert told.applied == {"r1-1": 1, "r1-2": 2}
    assert told.arrived == {"r1-1": 1, "r1-2": 2, "r1-3": 1}


def test_a_store_without_writes_has_none():
    told = operations(Redis(b"\n", b"\n"))
    assert (told.applied, told.arrived) == ({}, {})


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
@pytest.mark.parametrize("is_late", [False, True])
def test_an_error_is_no_operation_though_the_client_ends_with_0(answer, is_late):
    store = Redis(b"r1-1\n" if is_late else answer, answer)
    with pytest.raises(MissingEvidenceError, match="Redis did not answer"):
        operations(store)


def test_a_client_that_fails_is_no_answer():
    with pytest.raises(MissingEvidenceError, match="did not answer LRANGE"):
        operations(Redis(b"", b"", code=127))
