"""The wheel, away from the checkout: command, plugin, and the stack's own files inside."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from running import CALIBRATED

pytestmark = pytest.mark.engine

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the wheel installs."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "-w", folder, CHECKOUT],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    [wheel] = folder.glob("zero_downtime_harness-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(site: Path, cwd: Path, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """A command in a folder of its own, with what the wheel installs before the checkout."""
    return subprocess.run(
        command, cwd=cwd, env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_the_wheel_runs_the_bundled_stack_in_an_empty_folder(unpacked: Path, tmp_path: Path):
    code = "import harness, sys, harness.cli as c; print(harness.__file__); sys.exit(c.main())"
    done = run(unpacked, tmp_path, [sys.executable, "-P", "-c", code, "verify", *CALIBRATED])
    assert done.stdout.startswith(str(unpacked)), done.stdout
    assert "Traceback" not in done.stderr
    assert done.returncode in {0, 3}, done.stdout + done.stderr
    [folder] = (path.parent for path in tmp_path.glob("reports/drain/*/result.json"))
    assert "0 failed" in done.stdout
    assert json.loads((folder / "result.json").read_bytes())["calibration"]["trials"]
    assert (folder / "report.html").stat().st_size > 1_000_000


def test_the_wheel_brings_its_types_and_its_pytest_plugin(unpacked: Path, tmp_path: Path):
    assert (unpacked / "harness" / "py.typed").exists()
    done = run(unpacked, tmp_path, [sys.executable, "-m", "pytest", "--help", "-p", "no:locust"])
    assert "--harness-rate" in done.stdout
