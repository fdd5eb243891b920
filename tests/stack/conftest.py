"""What tests of the website's moves share."""

import pytest
from place import Place

from harness.stack import website as module


@pytest.fixture
def place(monkeypatch):
    def make(**settings):
        made = Place(**settings)
        monkeypatch.setattr(module, "launch", made.launch)
        return made

    return make
