"""What load is sent to, and what more a target can do: each ability is a Protocol of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from harness.model.operations import Operations
from harness.model.outcome import Outcome
from harness.model.place import Place
from harness.timeline import Timeline

__all__ = [
    "CanBeDisturbed",
    "Counted",
    "DescribesItself",
    "Disturbance",
    "Endpoint",
    "HasControl",
    "HasNeighbours",
    "Held",
    "Instance",
    "KeepsLogs",
    "KeepsStore",
    "KnowsRemedies",
    "Proxies",
    "ReloadsBalancer",
    "ReplacesReleases",
    "Stage",
    "SwitchesPools",
    "Target",
    "TouchesProxies",
    "TriesInstances",
    "WeighsInstances",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where requests go. `path` is as of model.scenario.Record."""

    host: str
    port: int
    authority: str = "localhost"
    """The Host header."""
    path: str = "edge"
    tls_port: int = 0
    """For streams over TLS; 0 where there is none."""
    tls_name: str = "localhost"
    """The name that the server's certificate must be for."""
    ca: str = ""
    """Certificates in PEM to trust instead of the system's."""
    places: Mapping[str, Place] = field(default_factory=dict)
    """Where the requests of streams go that name an origin, by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A replica of a release: `name` is unique in the run and stands in its answers."""

    name: str
    release: str


class Target(Protocol):
    """Something that answers HTTP."""

    @property
    def name(self) -> str: ...

    def up(self, timeline: Timeline) -> Endpoint:
        """Brings it up with the old release serving. Raises NotJudgedError where it cannot."""

    def down(self) -> None:
        """Removes all that `up` made, in reverse order. Idempotent; after a failed `up` too."""


class Stage(Protocol):
    """The moves that swap strategies are made of. Each returns once its effect is there.

    `start`, `await_ready` raise ReleaseError where the release is at fault.
    """

    def running(self) -> tuple[Instance, ...]:
        """Instances that serve, oldest first."""

    def replicas(self) -> int:
        """How many instances a release is to have."""

    def publish(self, release: str) -> None:
        """Its assets, beside those of the other, to whoever serves them before the website."""

    def start(self, release: str) -> Instance:
        """A new instance, with its CPU held back, not yet known to the balancer."""

    def await_ready(self, instance: Instance) -> None:
        """Waits until it answers from the balancer's own network, then gives it its full CPU."""

    def admit(self, instance: Instance) -> None:
        """The balancer may send it requests."""

    def drain(self, instance: Instance) -> None:
        """No new requests to it; returns once nothing is in flight or queued there."""

    def stop(self, instance: Instance) -> None:
        """Its stop signal, and the wait for its end."""

    def discard(self, instance: Instance) -> None:
        """Out of the balancer and removed, whatever state it is in."""


@runtime_checkable
class TriesInstances(Protocol):
    """The ability of a stage to ask a new instance what visitors ask, before any of them does."""

    def tries(self, release: str) -> bool:
        """Whether it is known what an instance of that release must say."""

    def try_out(self, instance: Instance) -> None:
        """Returns once it said that; it is ready by then. ReleaseError where it does not."""


@runtime_checkable
class SwitchesPools(Protocol):
    """The ability of a stage to keep two pools of instances, of which one gets all requests."""

    def set_aside(self, instance: Instance) -> None:
        """Before it is awaited: it is to be in the pool that gets none."""

    def switch(self, to: Instance) -> None:
        """From one moment on all new requests go to the pool of that instance. Idempotent."""

    def await_idle(self, instance: Instance) -> None:
        """Returns once nothing is in flight or queued there; MissingEvidenceError where that takes
        longer than a drain may. Changes nothing.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What the balancer itself counted of instances, since it last began to count anew."""

    sent: int = 0
    """Requests that it sent there, answered or not; one that was tried again, once a try."""
    answered: int = 0
    errors: int = 0
    """Of those answered: with a status of 500 or more."""
    broken: int = 0
    """Connections that could not be made or broke, and answers that are not HTTP. Where the
    balancer tried again, there or elsewhere, each try counts: a request that another instance
    answered in the end did not find this one.
    """
    mean_ms: float = 0.0
    """From a request to its answer's headers, over the last 1,024; 0 where there was none."""
    down: int = 0
    """How many of them the balancer holds to be down."""


@runtime_checkable
class HasNeighbours(Protocol):
    """The ability of a stage to start what is on its network too and is none of its own."""

    def start_neighbour(self, after: Instance) -> Instance:
        """A service that answers on the website's port, ready and something else, at the address
        that `after` had until it was stopped. Returns once it answers.

        MissingEvidenceError where the engine gives it another address.
        """


@runtime_checkable
class WeighsInstances(Protocol):
    """The ability of a stage to give instances unequal shares of the requests, and to count."""

    def counts(self) -> bool:
        """Whether its balancer can be asked so, as it runs now."""

    def weigh(self, instance: Instance, weight: int) -> None:
        """Its share is its weight of the sum of all, 0 to 256; it may not be admitted yet."""

    def weigh_alike(self, instances: Sequence[Instance]) -> None:
        """As if they had never been weighed."""

    def count_anew(self) -> None:
        """All that is counted begins at 0."""

    def counted(self, instances: Sequence[Instance]) -> Counted:
        """Of all of them together."""


class Proxies(Protocol):
    """What stands before the website. No swap of a website's should touch it; the scenarios that
    show why do.
    """

    def restart(self, whom: str) -> None:
        """Stops `edge` or `balancer` by its own stop signal, and starts it again. The balancer then
        knows no instance: each is to be awaited and admitted anew.
        """

    def stop(self, whom: str) -> None:
        """By its own stop signal, for good."""

    def end(self, whom: str, signal: str) -> int:
        """Sends it that signal, for good, and waits until it has ended by itself; the code that it
        ended with. MissingEvidenceError where it still runs after 40 s, which is longer than
        HAProxy takes to its hard stop.
        """

    def start(self, whom: str) -> None:
        """One that was stopped, again; its readiness is not awaited."""

    def run(self, whom: str, script: str, *words: str) -> str:
        """What a shell's script printed that ran in that component's container, `words` being its
        $1, $2, …. MissingEvidenceError where it ends with another code than 0.
        """

    def another(self, whom: str) -> str:
        """One more container of `edge`, `balancer` or `store`, and its name. It has the same name
        in the network, and the very same address where that is held (stack.variation). Its
        readiness is not awaited. An edge has all that releases published so far; a store whose
        address is held begins as a replica of the one before.
        """

    def exit_code(self, whom: str) -> int | None:
        """With which that container ended; None while it runs."""

    def issue(self, kind: str) -> tuple[str, str]:
        """Chain and key, in PEM, of a certificate to be given to the edge: `renewed`, or one that
        clients must not take: `expired`, `early`, `misnamed`, `unknown`.
        """

    def shown(self) -> str:
        """The certificate, in PEM, that the edge shows who connects over TLS now.

        MissingEvidenceError where it shows none.
        """

    def second_balancer(self) -> None:
        """One more, that answers to the same name at another address. The stage's moves are told to
        it from now on; it knows no instance: each is to be awaited and admitted anew.
        """

    def shut(self, frontend: str) -> None:
        """The balancer refuses who connects there; connections that exist go on."""

    def reopen(self, frontend: str) -> None: ...

    def renew_workers(self, signal: str) -> None:
        """New workers of the edge take all that connects; the old ones finish, and are sent that
        signal beside.
        """


@runtime_checkable
class TouchesProxies(Protocol):
    """The ability of a stage to do to the proxies before it what no swap should."""

    def proxies(self) -> Proxies: ...


@runtime_checkable
class ReloadsBalancer(Protocol):
    """The ability of a stage to write its balancer's configuration anew and have it go by that."""

    def reload(self, instances: Sequence[Instance]) -> None:
        """A new process of the balancer takes all that comes from now on, and sends it to those
        instances alone; the former one finishes what it has, where that began.

        MissingEvidenceError where the configuration is refused, or no new process serves by it.
        """

    def await_alone(self) -> None:
        """Returns once no former process is left; MissingEvidenceError where that takes longer
        than a drain may.
        """


@runtime_checkable
class ReplacesReleases(Protocol):
    """The ability to replace a release."""

    def stage(self) -> Stage: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """When a disturbance held, in monotonic ns: surely in [surely_ns, until_ns), and in no moment
    before `earliest_ns` or after `latest_ns`.
    """

    earliest_ns: int
    surely_ns: int
    until_ns: int
    latest_ns: int


class Disturbance(Protocol):
    """The moves that faults are made of. `whom` is a component (`edge`, `balancer`, `store`) or an
    instance's name.
    """

    def pause(self, whom: str) -> None:
        """Stands still once this returns, its sockets open."""

    def resume(self, whom: str) -> None: ...

    def kill(self, whom: str) -> None:
        """By SIGKILL, for good."""

    def lack_of_packets(self, whom: str) -> str:
        """Why its packets cannot be refused or dropped here; empty where they can. Makes ready."""

    def refuse(self, whom: str, for_s: float, *, only_new: bool) -> Held:
        """Answers what comes to its ports by a reset: requests for a connection, or all packets."""

    def drop(self, whom: str, for_s: float) -> Held:
        """Loses what comes to its ports."""


@runtime_checkable
class CanBeDisturbed(Protocol):
    """The ability to be disturbed on purpose, and to start an instance in place of one killed."""

    def disturbance(self) -> Disturbance: ...

    def stage(self) -> Stage: ...


@runtime_checkable
class HasControl(Protocol):
    """The ability to bring up a stub beside itself, which no swap touches."""

    def control(self) -> Endpoint | None:
        """Where it is, by the same path as the target; None: not up yet. HarnessError where it did
        not come up. Asked from another thread, while `up` is at work.
        """


@runtime_checkable
class KeepsLogs(Protocol):
    """The ability to hand over its logs."""

    def gather(self, folder: Path) -> None:
        """Fetches logs into `folder`, as far as they can be had; raises nothing for those
        that cannot, but writes why into `folder/gathering-errors.txt`.
        """


@runtime_checkable
class KeepsStore(Protocol):
    """The ability to read back what writes did."""

    def operations(self) -> Operations: ...


@runtime_checkable
class DescribesItself(Protocol):
    """The ability to say what exactly it is made of."""

    def environment(self) -> Mapping[str, str | int | float | bool]: ...


@runtime_checkable
class KnowsRemedies(Protocol):
    """The ability to say what to do where no answer was right before load began."""

    def remedy(self, outcome: Outcome, status: int) -> str:
        """Of the last answer's ending; `status` is 0 where there was none. No full stop."""
