"""The old release, which serves before there is any load."""

from harness.model.errors import NotJudgedError, ReleaseError
from harness.model.mark import MarkKind
from harness.stack.plan import StackPlan
from harness.stack.website import Website
from harness.target import Instance
from harness.timeline import Timeline

__all__ = ["serve_old"]


def serve_old(website: Website, plan: StackPlan, timeline: Timeline) -> None:
    """As many instances as there are to be, each ready and admitted. NotJudgedError where one is
    not: it is the ground that the run stands on.
    """
    old = plan.releases[0]
    try:
        instances = [website.start(old) for _ in range(plan.replicas)]
        for instance in instances:
            website.await_ready(instance)
            if not plan.app.is_sample:
                _try(website, instance, timeline)
            website.admit(instance)
    except ReleaseError as error:
        raise NotJudgedError(f"the old release did not start: {error}") from error


def _try(website: Website, instance: Instance, timeline: Timeline) -> None:
    """Of pages that are not ours a check may see less than a visitor does: what the old release
    does not answer rightly is not asked of the new one.
    """
    if not website.tries(instance.release):
        return
    try:
        website.try_out(instance)
    except ReleaseError as error:
        website.tries_no_more()
        why = str(error).partition("; its last lines")[0]
        timeline.mark(MarkKind.event, f"the smoke question is left out: {why}")
