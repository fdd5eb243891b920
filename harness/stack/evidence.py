"""What the stack leaves behind as evidence: logs, the engine's events, exact versions."""

import io
import tarfile
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import docker
import docker.errors
from docker.models.containers import Container

from harness.model.mark import Edge, MarkKind
from harness.stack.containers import LOGS_AT, run_in
from harness.stack.held import is_of
from harness.stack.owner import LABEL
from harness.timeline import Timeline

__all__ = ["EventWatch", "gather", "versions"]

_PRINTED_LINES = 2000
_SHOWN_CHARS = 100


class EventWatch:
    """Turns the engine's events about a run's containers into marks, as they happen."""

    def __init__(
        self,
        client: docker.DockerClient,
        run: str,
        timeline: Timeline,
        *,
        label: str = "",
        named: Callable[[Mapping[str, object]], str] = lambda labels: str(
            labels.get(f"{LABEL}.instance", "")
        ),
    ) -> None:
        """Those with the run's label, or with another `label`; `named` tells an instance's name by
        its labels and the container's `name`.
        """
        self._timeline = timeline
        self._named = named
        self._client = client
        self._is_over = threading.Event()
        # The engine dates events by the wall clock; marks are monotonic.
        self._offset_ns = timeline.clock.wall_ns() - timeline.clock.now_ns()
        self._stream = client.events(
            decode=True, filters={"type": "container", "label": label or f"{LABEL}={run}"}
        )
        self._thread = threading.Thread(target=self._follow, name="engine-events", daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        try:
            for event in self._stream:
                self._mark(event)
        except Exception as error:  # noqa: BLE001 (whatever ended it, no event is seen from then on)
            # Closing the stream from `stop` ends it in one, too.
            why = str(error)
        else:
            why = "the engine ended it"
        if not self._is_over.is_set():
            # A container that dies from now on would go unseen.
            text = f"the stream of the engine's events ended in mid-run: {why}"
            self._timeline.mark(MarkKind.error, text, detail={"blame": "harness"})

    def _mark(self, event: Mapping[str, object]) -> None:
        actor = event.get("Actor")
        attributes = actor.get("Attributes", {}) if isinstance(actor, dict) else {}
        action = str(event.get("Action", ""))
        if action.startswith("exec_"):
            return
        detail = {
            key: str(attributes[key])
            for key in ("signal", "exitCode")
            if attributes.get(key) is not None
        }
        if action == "start":
            detail |= self._address(str(event.get("id", "")))
        instance = self._named(attributes)
        at_ns = int(str(event.get("timeNano", 0))) - self._offset_ns
        name = f"{action} {instance}"
        self._timeline.mark(
            MarkKind.event, name, Edge.at, at_ns=at_ns, detail={"instance": instance} | detail
        )

    def _address(self, container: str) -> dict[str, str]:
        """Where the balancer's log will call it by; nothing for one that is gone again."""
        try:
            networks = self._client.api.inspect_container(container)["NetworkSettings"]["Networks"]
        except docker.errors.APIError:
            return {}
        found = [network["IPAddress"] for network in networks.values() if network["IPAddress"]]
        return {"address": str(found[0])} if found else {}

    def stop(self) -> None:
        self._is_over.set()
        self._stream.close()
        self._thread.join(2.0)


def gather(containers: Iterable[Container], volume_of: Container | None, folder: Path) -> None:
    """Fetches the log volume through `volume_of`, and what each container printed.

    What cannot be had is said in `gathering-errors.txt`; nothing is raised for it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    errors: list[str] = []
    if volume_of is not None:
        try:
            errors += _extract(volume_of, folder)
        except (docker.errors.APIError, OSError, tarfile.TarError) as error:
            errors.append(f"log volume: {error}")
    for container in containers:
        name = container.labels.get(f"{LABEL}.instance", container.name or "?")
        try:
            printed = container.logs(tail=_PRINTED_LINES)
            if printed:
                (folder / f"{name}.printed.txt").write_bytes(printed)
        except (docker.errors.APIError, OSError) as error:
            errors.append(f"{name}: {error}")
    if errors:
        (folder / "gathering-errors.txt").write_text("\n".join(errors) + "\n", "utf-8")


def _extract(container: Container, folder: Path) -> list[str]:
    """Writes the volume's files into `folder`, flat; says which of them could not be had.

    The archive comes from a container and is untrusted: of a path only the bare name counts,
    and links are left out. One odd member costs none of the others.
    """
    errors: list[str] = []
    chunks, _ = container.get_archive(LOGS_AT)
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        for member in archive:
            if member.isdir():
                continue
            shown = f"log volume: {member.name[:_SHOWN_CHARS]!r}"
            name = Path(member.name).name
            source = archive.extractfile(member) if member.isreg() else None
            if source is None or name in {"", ".."} or "\0" in name:
                errors.append(f"{shown} is not a plain file; left out")
                continue
            try:
                (folder / name).write_bytes(source.read())
            except OSError as error:
                errors.append(f"{shown}: {error.strerror}")
    return errors


def versions(containers: Mapping[str, Container]) -> dict[str, str]:
    """What each component says of its own version, the last one of it that can be asked; missing
    where none can be. `containers` are in the order of their starts.
    """
    commands = {
        "edge": ["nginx", "-v"],
        "balancer": ["haproxy", "-v"],
        "store": ["redis-server", "--version"],
    }
    found: dict[str, str] = {}
    for name, command in commands.items():
        for each in reversed([box for of, box in containers.items() if is_of(of, name)]):
            try:
                code, text = run_in(each, command)
            except docker.errors.APIError:
                continue
            if code == 0 and text.strip():
                found[f"{name}_version"] = text.strip().splitlines()[0]
                break
    return found
