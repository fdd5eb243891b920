"""What is done to the edge's files, by the very scripts, on files of our own."""

import gzip
import subprocess
from pathlib import Path

import assets
import pytest

from harness.mix import asset
from harness.stack.edge import ASSETS
from sample_app import content

OTHER = "printf 'body {}' | gzip -c"
SHORT = 'gzip -c "$1" | head -c 200'


@pytest.fixture
def published(tmp_path) -> Path:
    content.publish("v1", tmp_path)
    return tmp_path / content.stylesheet_name("v1")


def run(script: str, path: Path) -> int:
    return subprocess.run(["/bin/sh", "-c", script, "sh", str(path)], check=False).returncode


def anew(path: Path, as_what: str) -> int:
    return run(assets._COMPRESSED.format(as_what=as_what), path)


def packed(path: Path) -> bytes:
    return path.with_name(f"{path.name}.gz").read_bytes()


def test_what_is_compressed_anew_is_the_same_unless_it_is_told_otherwise(published):
    before = packed(published)
    assert anew(published, assets.CompressesAnew().as_what) == 0
    assert packed(published) != before
    assert gzip.decompress(packed(published)).decode() == content.stylesheet("v1")
    assert anew(published, OTHER) == 0
    assert gzip.decompress(packed(published)) == b"body {}"
    assert anew(published, SHORT) == 0
    assert len(packed(published)) == 200
    assert len(list(published.parent.iterdir())) == 2, "nothing else is left"


def test_what_cannot_be_compressed_changes_nothing(published):
    before = packed(published)
    assert anew(published, "false") != 0
    assert packed(published) == before


def test_both_files_are_removed_and_none_twice(published):
    assert run(assets._REMOVED, published) == 0
    assert not list(published.parent.iterdir())
    assert run(assets._REMOVED, published) != 0


@pytest.mark.parametrize("release", ["v1", "v2"])
def test_a_releases_stylesheet_is_where_the_edge_has_it(release):
    assert assets._path(release) == f"{ASSETS}/{content.stylesheet_name(release)}"
    assert asset(release)[0].startswith("/assets/")
