"""Tests that run side by side are told apart by their names, so a name must not change."""

import pytest


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Bytes are not spelled out in a test's name: gzip's hold the second in which they were made.

    Each process of a run side by side collects for itself, and one that began a second later
    would know other names, at which pytest-xdist refuses the run.
    """
    return argname if isinstance(val, bytes) else None


@pytest.fixture(autouse=True)
def no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests may run in a job of GitHub Actions, which none of them is to tell anything."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
