"""The bundled stack with an app of the user's own as a target."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from harness.model.outcome import Outcome
from harness.stack.plan import StackPlan
from harness.stack.stack import Stack
from harness.target import Disturbance, Endpoint, Stage
from harness.timeline import Timeline

__all__ = ["OwnApp"]

_PROXIES_OWN: Final = frozenset({502, 503, 504})


class OwnApp:
    """The stack's abilities but one: what the app writes, and where, is not known, and not read."""

    name = "stack"

    def __init__(self, plan: StackPlan) -> None:
        self._stack = Stack(plan)
        self._plan = plan

    def up(self, timeline: Timeline) -> Endpoint:
        return self._stack.up(timeline)

    def down(self) -> None:
        self._stack.down()

    def stage(self) -> Stage:
        return self._stack.stage()

    def disturbance(self) -> Disturbance:
        return self._stack.disturbance()

    def control(self) -> Endpoint | None:
        return self._stack.control()

    def gather(self, folder: Path) -> None:
        self._stack.gather(folder)

    def environment(self) -> Mapping[str, str | int | float | bool]:
        """The stack's, and `website_logs`: that no log of the app's tells of single requests;
        `same_image` where both releases are one.
        """
        found = self._stack.environment()
        ids = {
            str(found.get(f"image_{release}", release)).rpartition(" ")[2]
            for release in self._plan.releases
        }
        same = {"same_image": True} if len(ids) == 1 else {}
        return {**found, "website_logs": False, **same}

    def remedy(self, outcome: Outcome, status: int) -> str:
        if outcome is Outcome.wrong_status and status in _PROXIES_OWN:
            return "the app was ready and then did not answer: see logs/ in the run folder"
        if outcome is Outcome.wrong_status and 300 <= status < 400:
            return f"name the page that it redirects to (--page), or say --expect-status {status}"
        if outcome is Outcome.wrong_status:
            return f"name a page with --page that it answers, or say --expect-status {status}"
        if outcome is Outcome.wrong_body:
            return "correct --page, or the text after --expect-text"
        return "see what the app itself says: logs/ in the run folder"
