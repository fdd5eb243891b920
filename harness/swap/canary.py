"""`canary`: the new release gets a growing share of the requests, and more only if it does well."""

import re
from collections.abc import Sequence
from typing import Final

from harness.model.errors import NotJudgedError
from harness.swap.exposure import Bounds
from harness.swap.moves import admit, attempt, bring_up, leave, let_go, undone
from harness.swap.strategy import Steps, publish, unable
from harness.swap.watch import watched
from harness.target import Instance, Stage, WeighsInstances

__all__ = ["Canary"]

_SHARES: Final = (5, 25, 50, 100)
_SHARING: Final = re.compile(r"roundrobin|random")


class Canary:
    """Start the new instances, await them; give them 5, 25, 50 and 100 % of the requests, and go
    from one share to the next once the judge says so; then drain the old ones and stop them.

    The judge (swap/exposure.py) looks at what HAProxy has counted of both releases: answers,
    statuses, broken connections, response times. It asks for a number of answers at each share; as
    long as they lack, the swap waits, up to `patience_s`. Each decision is a mark.

    Needs `slots`, a stage that weighs instances, and an algorithm that shares by weights which can
    be changed: roundrobin or random. `leastconn` takes of idle servers the one that was so longest,
    whatever they weigh (lb_fwlc.c): at 5 % a new one would get 10 to 50. `random` draws two by
    their weights and takes the one less busy for its weight, so that an idle new one may get
    1 - (1 - share)^2 of the requests: at 5 % up to 9.8, and 5 to 7 as simulated.

    Costs one more release's worth of memory, and the time until enough answers have come: at 300
    requests a second some 3 s at 5 %, 1 s at each other share.

    Where the judge says back (of a slow or silent release for 3 s, as that may pass), or enough
    answers do not come, the new instances get nothing from one moment on, while the old ones, of
    which none was drained, get all; then the new ones are drained and stopped, and the deploy has
    failed. So a bad release costs at most what it failed of its share until then.
    """

    name = "canary"
    discovery = "slots"

    def __init__(
        self,
        *,
        shares: Sequence[int] = _SHARES,
        bounds: Bounds | None = None,
        patience_s: float = 20.0,
    ) -> None:
        self._shares = tuple(shares)
        self._bounds = bounds or Bounds()
        self._patience_s = patience_s

    def refuse(self, algorithm: str) -> None:
        """NotJudgedError for one that knows no weights, takes no other ones while it runs, or does
        not share by them.
        """
        if not _SHARING.match(algorithm):
            why = (
                "does not share by them while servers are idle"
                if algorithm.startswith("leastconn")
                else "takes no other ones while it runs"
            )
            raise NotJudgedError(
                f"algorithm: canary shares requests by weights, and {algorithm!r} {why}; "
                "choose one of: roundrobin, random"
            )

    def replace(self, stage: Stage, steps: Steps) -> None:
        if not isinstance(stage, WeighsInstances):
            raise unable("share requests by weights")
        old = stage.running()
        publish(stage, steps)
        new = bring_up(stage, steps, release=steps.new, count=stage.replicas())
        try:
            stage.count_anew()
            for number, share in enumerate(self._shares):
                with steps.step(f"share {share}%", Instance(name="", release=steps.new)):
                    _weigh(stage, old, 100 - share, new, share)
                if not number:
                    admit(stage, steps, new)
                watched(
                    stage,
                    steps,
                    old=old,
                    new=new,
                    share=share,
                    bounds=self._bounds,
                    patience_s=self._patience_s,
                )
        except Exception as error:  # noqa: BLE001 (raised again, after the way back)

            def give_back() -> None:
                with steps.step("share 0%", Instance(name="", release=steps.new)):
                    # The old ones first: at no moment does nobody have a weight.
                    _weigh(stage, old, 100, new, 0)
                    stage.weigh_alike(old)

            failures = attempt(give_back, f"the old release {steps.old} could not be given all")
            raise undone(error, failures or leave(stage, steps, new)) from error.__cause__
        let_go(stage, steps, old)
        stage.weigh_alike(new)


def _weigh(
    stage: WeighsInstances,
    old: Sequence[Instance],
    old_weight: int,
    new: Sequence[Instance],
    new_weight: int,
) -> None:
    for instance in old:
        stage.weigh(instance, old_weight)
    for instance in new:
        stage.weigh(instance, new_weight)
