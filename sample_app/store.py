"""What the website keeps in Redis: a counter, the ledger of operations; sessions.py: sessions."""

import os
import time
from collections.abc import Container
from typing import Any

import redis
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, MasterDownError, ReadOnlyError
from redis.retry import Retry

TIMEOUT_S = 1.0
AGAIN_S = 0.02
ARRIVED = "operations:arrived"
APPLIED = "operations:applied"

# Applied before counted: should Redis stop between the two, a repeat still applies it.
LEDGER = """
if ARGV[2] == '0' or redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
  redis.call('RPUSH', KEYS[2], ARGV[1])
end
redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
"""


class NotAskedError(redis.ConnectionError):
    """No connection came about: nothing was asked of the store."""


REFUSALS = (BusyLoadingError, ReadOnlyError, MasterDownError)
"""What a store says that has done nothing: it is loading its file, or is a replica."""


class Connections(redis.ConnectionPool):
    """Tells what was never sent from what was, and went without an answer."""

    def get_connection(self, *args: Any, **options: Any) -> Any:
        try:
            return super().get_connection(*args, **options)
        except redis.RedisError as error:
            raise NotAskedError(str(error)) from error


class Patient(Redis):
    """Asks a store again that is away, for `wait_s` at most, and TIMEOUT_S more for the last try.

    What it surely has not done may always be asked again: it was not reached, or it refused. What
    was sent and not answered may have been done, so of that only the commands in `repeatable` are,
    which leave the same if they are done twice; of any other the error is raised at once.
    """

    def __init__(
        self, connections: Connections, *, wait_s: float, repeatable: Container[str]
    ) -> None:
        super().__init__(connection_pool=connections)
        self.auto_close_connection_pool = True
        self._wait_s = wait_s
        self._repeatable = repeatable

    def execute_command(self, *args: Any, **options: Any) -> Any:
        gives_up = time.monotonic() + self._wait_s
        while True:
            try:
                return super().execute_command(*args, **options)
            except (redis.ConnectionError, redis.TimeoutError, *REFUSALS) as error:
                is_undone = isinstance(error, (NotAskedError, *REFUSALS))
                if not is_undone and args[0] not in self._repeatable:
                    raise
                if time.monotonic() >= gives_up:
                    raise
                if isinstance(error, REFUSALS):
                    # Another may have its address by now: a new connection leads there.
                    self.connection_pool.disconnect(inuse_connections=False)
            time.sleep(AGAIN_S)


def connect(*, idempotent: bool = True) -> Redis:
    """A client that connects at its first command.

    It waits for a store that is away for STORE_WAIT_S seconds. That is 0 unless it is said, and
    then it fails within about a second: waiting hides an outage of the store. Asked twice leave the
    same: a session that is read, one that is written (its token is drawn before), and an operation
    in the ledger, which goes by its id, though it is counted there as arrived twice; not so where
    it is not `idempotent`, nor ever a visit that is counted.
    """
    return Patient(
        Connections(
            host=os.environ.get("STORE_HOST", "store"),
            port=int(os.environ.get("STORE_PORT", "6379")),
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        ),
        wait_s=float(os.environ.get("STORE_WAIT_S", "0")),
        repeatable={"GET", "SET", "EVAL"} if idempotent else {"GET", "SET"},
    )


def apply(store: Redis, operation: str, *, idempotent: bool) -> None:
    """Counts the arrival of `operation`, and applies it: once, or without idempotence each time.

    One script, as Redis runs a script alone: of two arrivals at once one is the first.
    """
    store.eval(LEDGER, 2, ARRIVED, APPLIED, operation, str(int(idempotent)))
