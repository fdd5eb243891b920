from collections.abc import Iterator

import pytest
from scripted import Behaviour, Scripted
from talk import Start, Talk, stream

from harness.model.outcome import Outcome
from harness.model.traffic import Connection, Traffic
from harness.traffic.client import Client


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a scripted server and a client with one stream for it."""
    talks: list[Talk] = []

    def begin(script: Behaviour | list[Behaviour], **settings: object) -> Talk:
        max_idle_s = settings.pop("max_idle_s", 20.0)
        headers = settings.pop("headers", {})
        server = Scripted(script)
        details: list[tuple[int, Outcome, str]] = []
        client = Client(
            host="127.0.0.1",
            port=server.port,
            authority="site.test",
            run="r1",
            traffic=Traffic(streams=(stream(**settings),), headers=headers),  # type: ignore[arg-type]
            detail=lambda *line: details.append(line),
            max_idle_s=max_idle_s,  # type: ignore[arg-type]
        )
        talks.append(Talk(server, client, details))
        return talks[-1]

    yield begin
    for talk in talks:
        talk.client.close()
        talk.server.__exit__()


@pytest.fixture(params=[Connection.reuse, Connection.new])
def connection(request: pytest.FixtureRequest) -> Connection:
    return request.param
