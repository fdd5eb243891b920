"""A team's own tests: the gate among them."""

import pytest


@pytest.mark.harness(deploy="./deploy.sh")
def test_a_right_deploy(harness_run):
    harness_run().assert_passed()


@pytest.mark.harness(deploy="./deploy-wrong.sh")
def test_a_wrong_deploy(harness_run):
    harness_run().assert_passed()


def test_of_something_else():
    assert True
