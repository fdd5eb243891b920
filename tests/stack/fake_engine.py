"""Stand-ins for docker-py's objects: what the stack asks of them, and nothing more."""

import io
import tarfile
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import docker.errors
import requests


def api_error(status: int, text: str) -> docker.errors.APIError:
    """What docker-py raises for an answer of the engine with that status."""
    kind = {404: docker.errors.NotFound}.get(status, docker.errors.APIError)
    return kind(text, response=_response(status), explanation=text)


def image_missing(name: str) -> docker.errors.ImageNotFound:
    text = f"No such image: {name}"
    return docker.errors.ImageNotFound(text, response=_response(404), explanation=text)


def _response(status: int) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    return response


def archive(members: Iterable[tuple[str, bytes] | tarfile.TarInfo]) -> bytes:
    """A tar of files by name and content, and of whatever else is given."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            name, content = member
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


class FakeExecs:
    """The engine's API for commands in one container, which answers to `exec_run`."""

    def __init__(self, container: "FakeContainer") -> None:
        self._container = container
        self._codes: list[int] = []
        self.untold = 0
        """So often the engine does not know how a command has ended."""

    def exec_create(self, container: str, command: list[str]) -> dict[str, str]:
        assert container == self._container.id
        self._command = command
        return {"Id": f"exec {len(self._codes)}"}

    def exec_start(self, execution: str) -> bytes:
        assert execution == f"exec {len(self._codes)}"
        code, output = self._container.exec_run(self._command)
        self._codes.append(code)
        return output

    def exec_inspect(self, execution: str) -> dict[str, int | None]:
        if self.untold:
            self.untold -= 1
            return {"ExitCode": None}
        return {"ExitCode": self._codes[int(execution.split()[1])]}


class FakeContainer:
    """A container. What it was asked is in `calls`; errors to raise are in `errors`, by call."""

    id = "c0ffee"

    def __init__(
        self,
        name: str = "box",
        *,
        labels: dict[str, str] | None = None,
        status: str = "running",
        ip: str = "10.9.8.7",
        exit_code: int = 0,
        printed: bytes = b"",
        ports: dict[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.labels = labels or {}
        self.status = status
        self.printed = printed
        self.tar = b""
        self.calls: list[tuple[Any, ...]] = []
        self.errors: dict[str, Exception] = {}
        self.answers: dict[str, tuple[int, bytes]] = {}
        """Exit code and output by a command's first word."""
        self.attrs: dict[str, Any] = {
            "NetworkSettings": {"Networks": {"run": {"IPAddress": ip}}, "Ports": ports or {}},
            "State": {"ExitCode": exit_code},
        }
        self.client = SimpleNamespace(api=FakeExecs(self))

    def _note(self, call: str, *details: Any) -> None:
        self.calls.append((call, *details))
        if call in self.errors:
            raise self.errors[call]

    def reload(self) -> None:
        self._note("reload")

    def remove(self, *, force: bool, v: bool) -> None:
        self._note("remove", force, v)

    def stop(self, *, timeout: int) -> None:
        self._note("stop", timeout)

    def update(self, *, cpu_shares: int) -> None:
        self._note("update", cpu_shares)

    def logs(self, *, tail: int) -> bytes:
        self._note("logs", tail)
        return b"".join(self.printed.splitlines(keepends=True)[-tail:])

    def exec_run(self, command: list[str]) -> tuple[int, bytes]:
        self._note("exec_run", *command)
        return self.answers.get(command[0], (0, b""))

    def get_archive(self, path: str) -> tuple[Iterable[bytes], dict[str, Any]]:
        self._note("get_archive", path)
        half = len(self.tar) // 2
        return iter([self.tar[:half], self.tar[half:]]), {}

    def put_archive(self, path: str, data: bytes) -> bool:
        self._note("put_archive", path, data)
        return True


class FakeThing:
    """A network or a volume."""

    def __init__(self, name: str, labels: dict[str, str] | None) -> None:
        self.name = name
        self.attrs = {"Labels": labels}
        self.removed = 0
        self.error: Exception | None = None

    def remove(self) -> None:
        if self.error:
            raise self.error
        self.removed += 1


class FakeImages:
    """An engine's images: those `here`, and those that a registry has."""

    def __init__(self, here: Iterable[str] = (), registry: Iterable[str] = ()) -> None:
        self.here = set(here)
        self.registry = set(registry)
        self.labelled: list[Any] = []
        """What is found by a label: things with `tags` and `labels`."""
        self.removed: list[str] = []
        self.pulled: list[str] = []
        self.built: list[dict[str, Any]] = []
        self.build_error: Exception | None = None
        self.pull_error: Exception | None = None

    def list(self, *, filters: dict[str, Any]) -> list[Any]:
        del filters
        return list(self.labelled)

    def remove(self, name: str) -> None:
        self.removed.append(name)

    def get(self, name: str) -> SimpleNamespace:
        if not name:
            raise docker.errors.NullResource("Resource ID was not provided")
        if name != name.lower():
            raise api_error(400, "invalid reference format: repository name must be lowercase")
        if name not in self.here:
            raise image_missing(name)
        return SimpleNamespace(id=f"sha256:{name}")

    def pull(self, name: str, tag: str | None = None) -> None:
        self.pulled.append(name if tag is None else f"{name}|{tag}")
        if self.pull_error:
            raise self.pull_error
        if name not in self.registry:
            raise image_missing(name)
        self.here.add(name)

    def build(self, **options: Any) -> None:
        self.built.append(options)
        if self.build_error:
            raise self.build_error
        self.here.add(options["tag"])


class FakeClient:
    """An engine's client."""

    def __init__(
        self,
        *,
        containers: Iterable[FakeContainer] = (),
        networks: Iterable[FakeThing] = (),
        volumes: Iterable[FakeThing] = (),
        images: FakeImages | None = None,
    ) -> None:
        self.images = images or FakeImages()
        self.filters: list[dict[str, Any]] = []
        self.containers = SimpleNamespace(list=self._lists(containers))
        self.networks = SimpleNamespace(list=self._lists(networks))
        self.volumes = SimpleNamespace(list=self._lists(volumes))
        self.closed = 0

    def _lists(self, things: Iterable[Any]) -> Any:
        def listing(*, filters: dict[str, Any], **_: Any) -> list[Any]:
            self.filters.append(filters)
            return list(things)

        return listing

    def close(self) -> None:
        self.closed += 1
