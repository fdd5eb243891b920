import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import driving
import pytest
from certificates import context, trust
from driving import Drive, Serves
from paying import Pay, pay_visit
from scripted import Behaviour, Scripted
from scripted_http2 import ScriptedHttp2
from talk import Place, Start, Talk, stream

from harness.model.outcome import Outcome
from harness.model.scenario import Scenario
from harness.model.traffic import Connection, Stream, Tls, Traffic
from harness.traffic.client import Client
from harness.traffic.sender import ChildSender


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a scripted server and a client with one stream for it: over TLS where that is.

    `certificate`, `version` and `greeting` are the server's over TLS; `trusted` is the name that
    the client expects there.
    """
    talks: list[Talk] = []

    def begin(
        script: Behaviour | list[Behaviour],
        *,
        max_idle_s: float = 20.0,
        headers: dict[str, str] | None = None,
        certificate: str = "right",
        version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
        greeting: Behaviour | None = None,
        trusted: str = "site.test",
        release_from: str = "header:X-Release",
        seed: int = 0,
        **settings: object,
    ) -> Talk:
        page = stream(**settings)
        if page.tls is Tls.off:
            server = Scripted(script)
        else:
            server = Scripted(script, context=context(certificate, version), greeting=greeting)
        details: list[tuple[int, Outcome, str]] = []
        client = Client(
            host="127.0.0.1",
            port=server.port if page.tls is Tls.off else 0,
            tls_port=0 if page.tls is Tls.off else server.port,
            trust=None if page.tls is Tls.off else trust(trusted),
            authority="site.test",
            run="r1",
            traffic=Traffic(streams=(page,), headers=headers or {}, release_from=release_from),
            detail=lambda *line: details.append(line),
            max_idle_s=max_idle_s,
            seed=seed,
        )
        talks.append(Talk(server, client, details))
        return talks[-1]

    yield begin
    for talk in talks:
        talk.client.close()
        talk.server.__exit__()


@pytest.fixture
def start_http2() -> Iterator[Start]:
    """Starts a scripted HTTP/2 server and a client with one stream for it; `server` is for the
    first, settings of the stream's are for the second.
    """
    talks: list[Talk] = []

    def begin(
        script: object,
        *,
        max_idle_s: float = 20.0,
        server: dict[str, object] | None = None,
        trusted: str = "site.test",
        **settings: object,
    ) -> Talk:
        page = stream(**{"http2": True, "tls": Tls.full, **settings})
        scripted = ScriptedHttp2(script, **(server or {}))
        details: list[tuple[int, Outcome, str]] = []
        client = Client(
            host="127.0.0.1",
            port=0,
            tls_port=scripted.port,
            trust=trust(trusted),
            authority="site.test",
            run="r1",
            traffic=Traffic(streams=(page,), headers={"User-Agent": "tests"}),
            detail=lambda *line: details.append(line),
            max_idle_s=max_idle_s,
        )
        talks.append(Talk(scripted, client, details))
        return talks[-1]

    yield begin
    for talk in talks:
        talk.client.close()
        talk.server.__exit__()


@pytest.fixture
def pay() -> Pay:
    """Pays one visit to a scripted server: its sample, its account, and why it failed."""
    return pay_visit


@pytest.fixture(params=[Connection.reuse, Connection.new])
def connection(request: pytest.FixtureRequest) -> Connection:
    return request.param


@pytest.fixture(
    params=[Place(Connection.new, 0), Place(Connection.reuse, 0), Place(Connection.reuse, 1)],
    ids=["new", "kept", "used"],
)
def place(request: pytest.FixtureRequest) -> Place:
    return request.param


@pytest.fixture(params=[Tls.off, Tls.full], ids=["plain", "tls"])
def tls(request: pytest.FixtureRequest) -> Tls:
    return request.param


@pytest.fixture(params=["TLSv1_2", "TLSv1_3"])
def version(request: pytest.FixtureRequest) -> ssl.TLSVersion:
    return ssl.TLSVersion[request.param]


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Callable[..., Drive]]:
    """Gets a child ready for streams, against a scripted server or one that is passed in."""
    made: list[Drive] = []

    def begin(
        script: Behaviour | Serves,
        *streams: Stream,
        plugins: tuple[str, ...] = (),
        secured: bool = False,
    ) -> Drive:
        scenario = Scenario(
            name="n",
            target="t",
            swap="s",
            swaps=1,
            releases=("v1", "v2"),
            traffic=Traffic(streams=streams or (driving.stream(),)),
            seed=7,
        )
        server = (
            Scripted(script, context=context() if secured else None) if callable(script) else script
        )
        made.append(Drive(server, tmp_path, scenario, ChildSender(plugins)))
        return made[-1]

    yield begin
    for each in made:
        each.sender.close()
        if isinstance(each.server, Scripted):
            each.server.__exit__()
