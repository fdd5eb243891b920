"""A whole stack on paper: an engine, its network, and a balancer that answers commands."""

from fake_engine import FakeClient, FakeContainer, FakeImages, FakeThing, api_error, archive
from fake_haproxy import FakeHaproxy

from harness.stack.balancer import slot_names
from harness.stack.owner import LABEL
from harness.stack.plan import StackPlan
from harness.stack.stack import Stack

OWN = "10.1.2.3"
PORTS = {
    "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "49153"}],
    "443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "49154"}],
}


def stack(**plan):
    return Stack(StackPlan(run="r1", **plan))


class BalancerBox(FakeContainer):
    """A container in which HAProxy answers commands, as a mounted socket would not."""

    def __init__(self, name, haproxy, **settings):
        super().__init__(name, **settings)
        self.haproxy = haproxy

    def exec_run(self, command):
        if command[0] != "/bin/sh":
            return 0, b"HAProxy version 3.0.11\n"
        if self.status != "running":
            raise api_error(409, "container is not running")
        return 0, self.haproxy(command[-1]).encode()


class Engine(FakeClient):
    """An engine with a registry and no images, whose containers' addresses cannot be reached."""

    def __init__(self):
        super().__init__(images=FakeImages(registry=["debian:trixie-slim"]))
        self.haproxy = FakeHaproxy(*slot_names(1))
        self.haproxy.before = lambda _: self.haproxy.check.update(
            dict.fromkeys(slot_names(1), "L7OK")
        )
        self.boxes = {}
        self.holders = []
        self.removed = []
        self.things = {}
        self.volumes.create = self._thing("volume")
        self.containers.get = lambda name: self.boxes[name]
        self.containers.create = self._hold

    def _hold(self, image, *, labels, network_mode):
        """A container that is made and never started."""
        assert network_mode == "none"
        assert labels[LABEL] == "r1"
        box = FakeContainer(image)
        box.tar = archive([("assets/site.css", image.encode())])
        box.remove = lambda **_: self.holders.remove(box)
        self.holders.append(box)
        return box

    def _thing(self, kind):
        def create(name, labels):
            thing = self.things[kind] = FakeThing(name, labels)
            remove = thing.remove
            thing.remove = lambda: (self.removed.append(kind), remove())
            return thing

        return create

    def launch(self, spec, network):
        instance = spec.labels[f"{LABEL}.instance"]
        made = BalancerBox if instance == "balancer" else FakeContainer
        more = {"haproxy": self.haproxy} if instance == "balancer" else {}
        ports = PORTS if spec.ports else {}
        box = made(spec.name, labels=dict(spec.labels), ports=ports, **more)
        remove = box.remove
        box.remove = lambda **o: (self.removed.append(instance), remove(**o))
        box.spec = spec
        self.boxes[spec.name] = box
        return box

    def version(self):
        return {"Version": "28.0", "ApiVersion": "1.48"}


class FakeNetwork:
    def __init__(self, engine, labels):
        self.engine, self.labels, self.name = engine, labels, ""

    def create(self):
        self.engine.things["network"] = self

    def remove(self):
        self.engine.removed.append("network")
