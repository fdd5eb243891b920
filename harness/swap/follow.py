"""`follow`: the post's own two commands, with a follower that tells the balancer of them."""

from harness.swap.stop_signal import StopSignal

__all__ = ["Follow"]


class Follow(StopSignal):
    """Scale to two, await the new ones, `docker stop` the old ones: no word to the balancer, whose
    servers a service of its own keeps equal to the website's containers.

    Needs `follower`: a new one gets requests once HAProxy's own check has passed, and an old one is
    drained as the engine dates its stop signal, 1 to 3 ms after the app got it. A website that
    closes its listener at once still needs the balancer's second try for these; the sample one
    lingers for half a second.

    Costs one more release's worth of memory, and two small containers, one of which may ask the
    engine what there is and what happens.

    A new release that fails is removed, and the old one, of which none was stopped, serves on.
    """

    name = "follow"
    discovery = "follower"
