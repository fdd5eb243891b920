"""A balancer: its algorithm, what it knows, and the requests that it keeps."""

from collections import deque
from collections.abc import Callable, Sequence

from harness.bench.choosers.chooser import FULL_WEIGHT, Chooser, View

__all__ = ["Balancer"]


class Balancer:
    """One balancer's view, its algorithm, and the requests that it keeps."""

    def __init__(
        self, weights: Sequence[int], limit: int, chooser: Callable[[View], Chooser]
    ) -> None:
        self.view = View(
            weights=[weight * FULL_WEIGHT for weight in weights],
            is_usable=[True] * len(weights),
            limit=limit,
        )
        self.chooser = chooser(self.view)
        self.kept: deque[int] = deque()
        self.kept_for: list[deque[int]] = [deque() for _ in weights]
        self.all_kept = self.longest = 0
        self.sessions: dict[int, int] = {}
        self.full = 0
        """Usable servers without room, so that where all are nobody need look."""
        self.usable = len(weights)

    def sent(self, server: int) -> None:
        view = self.view
        view.served[server] += 1
        if view.limit and view.served[server] == view.limit and view.is_usable[server]:
            self.full += 1
        self.chooser.changed(server)

    def left(self, server: int) -> None:
        view = self.view
        if view.limit and view.served[server] == view.limit and view.is_usable[server]:
            self.full -= 1
        view.served[server] -= 1
        self.chooser.changed(server)

    def keep(self, index: int, server: int | None) -> None:
        if server is None:
            self.kept.append(index)
        else:
            self.kept_for[server].append(index)
            self.view.queued[server] += 1
            self.chooser.changed(server)
        self.all_kept += 1
        self.longest = max(self.longest, self.all_kept)

    def next_for(self, server: int) -> int | None:
        """The oldest that may go there, no longer kept; None where there is none, or no room."""
        view, own = self.view, self.kept_for[server]
        if view.limit and view.served[server] >= view.limit:
            return None
        any_ = self.kept if view.is_usable[server] else ()
        if own and (not any_ or own[0] < any_[0]):
            self.all_kept -= 1
            view.queued[server] -= 1
            return own.popleft()
        if any_:
            self.all_kept -= 1
            return self.kept.popleft()
        return None

    def recount(self) -> None:
        view = self.view
        self.usable = sum(view.is_usable)
        self.full = sum(
            1
            for server, served in enumerate(view.served)
            if view.limit and served >= view.limit and view.is_usable[server]
        )
        self.chooser.reweighted()
