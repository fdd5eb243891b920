"""What a release publishes: assets under names that no other content has, and compressed."""

import gzip

from sample_app.content import page, publish, stylesheet, stylesheet_name


def test_a_release_publishes_its_stylesheet_plain_and_compressed(tmp_path):
    publish("v1", tmp_path / "assets")
    name = stylesheet_name("v1")
    found = {path.name: path.read_bytes() for path in (tmp_path / "assets").iterdir()}
    assert set(found) == {name, f"{name}.gz"}
    assert found[name].decode() == stylesheet("v1")
    assert gzip.decompress(found[f"{name}.gz"]) == found[name]
    assert len(found[f"{name}.gz"]) < len(found[name]) / 2


def test_releases_lie_side_by_side(tmp_path):
    for release in ("v1", "v2"):
        publish(release, tmp_path)
    assert len(list(tmp_path.iterdir())) == 4


def test_publishing_again_changes_no_byte(tmp_path):
    publish("v1", tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    publish("v1", tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_another_content_has_another_name():
    assert stylesheet_name("v1") != stylesheet_name("v2")
    assert page("v1") != page("v2")
