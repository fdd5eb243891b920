"""A website on paper: its balancer, its containers and a clock."""

from fake_engine import FakeContainer
from fake_haproxy import FakeHaproxy
from manual_time import ManualTime

from harness.stack.app import SAMPLE
from harness.stack.balancer import Balancer, green_names, slot_names
from harness.stack.discovery import Slots
from harness.stack.owner import LABEL
from harness.stack.runtime_api import RuntimeApi
from harness.stack.variation import Variation
from harness.stack.website import PORT, Patience, Website


class Place:
    """A website, its balancer and its containers."""

    def __init__(self, replicas=1, discovery=None, name="website", volume="logs", app=SAMPLE):
        discovery = discovery or (
            lambda balancer: Slots(
                balancer, slot_names(replicas), PORT, green=green_names(replicas)
            )
        )
        self.clock = ManualTime()
        self.haproxy = FakeHaproxy(*slot_names(replicas), *green_names(replicas))
        self.specs = []
        self.boxes = {}
        self.next_box = {}
        self.launch_error = None
        self.ready_after = 0
        self.published = []
        self.introduce = lambda *_: None
        self.website = Website(
            publish=self.published.append,
            discovery=discovery(Balancer(RuntimeApi(self.haproxy), self.clock)),
            images={"v1": "image:1", "v2": "image:2"},
            network=None,
            labels={LABEL: "r1"},
            volume=volume,
            prefix="harness-r1",
            replica_count=replicas,
            patience=Patience(ready_s=3, drain_s=4, stop_s=5),
            clock=self.clock,
            variation=Variation(name="", website={"STORE_HOST": "store"}),
            name=name,
            app=app,
            introduce=self._introduce,
        )
        looks = {}

        def check_comes_in(command):
            if command == "show stat":
                for slot, status in self.haproxy.status.items():
                    looks[slot] = looks.get(slot, 0) + 1 if status == "DRAIN" else 0
                    if looks[slot] > self.ready_after:
                        self.haproxy.check[slot] = "L7OK"

        self.haproxy.before = check_comes_in

    def _introduce(self, instance, where):
        self.introduce(instance, where)

    def launch(self, spec, network):
        if self.launch_error:
            raise self.launch_error
        self.specs.append(spec)
        number = len(self.specs)
        box = FakeContainer(spec.name, **({"ip": f"10.0.0.{number}"} | self.next_box))
        self.boxes[spec.labels[f"{LABEL}.instance"]] = box
        return box

    def serve(self, release="v1"):
        instance = self.website.start(release)
        self.website.await_ready(instance)
        self.website.admit(instance)
        return instance

    def slot_of(self, instance):
        address = self.boxes[instance.name].attrs["NetworkSettings"]["Networks"]["run"]
        where = f"{address['IPAddress']}:{PORT}"
        return next(slot for slot, at in self.haproxy.address.items() if at == where)
