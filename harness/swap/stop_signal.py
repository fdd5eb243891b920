"""`stop-signal`: the post's own two commands, with the settings that make its promise true."""

from harness.swap.moves import bring_up
from harness.swap.strategy import Steps, publish
from harness.target import Stage

__all__ = ["StopSignal"]


class StopSignal:
    """Scale to two, await the new ones, `docker stop` the old ones: no word to the balancer.

    Needs `dns-slowstart`: as `dns`, with a slow start of new servers, a `timeout connect` of 100 ms
    and a website that on its stop signal answers its readiness route with 503 and serves on for
    longer than the balancer's checks take to fail. HAProxy then lets go of it by itself, and asks
    it nothing by the time it closes its listener.

    Costs one more release's worth of memory and 1.5 s more of each stop. What is not to be had is
    a new server that is UP only once it answers: HAProxy takes what DNS names for up until its
    first check has failed (`init-state` exists from 3.1 on). A request that is sent there by then
    waits `timeout connect` and is sent elsewhere; the slow start makes these few.

    A new release that fails is removed, and the old one, of which none was stopped, serves on.
    """

    name = "stop-signal"
    discovery = "dns-slowstart"

    def replace(self, stage: Stage, steps: Steps) -> None:
        old = stage.running()
        publish(stage, steps)
        new = bring_up(stage, steps, release=steps.new, count=stage.replicas(), verb="scale")
        for instance in new:
            stage.admit(instance)
        for instance in old:
            with steps.step("stop", instance):
                stage.stop(instance)
