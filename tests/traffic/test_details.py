"""What the child writes beside the request log."""

from pathlib import Path

from harness.model.visit import Visited
from harness.traffic.details import Visits


def test_an_account_that_the_disk_refuses_is_owned_up_to():
    visits = Visits(Path("/dev/full"))
    visits.add(Visited(seq=1))
    (error,) = visits.close()
    assert error.startswith("visits.jsonl: ")
    assert "No space left" in error
