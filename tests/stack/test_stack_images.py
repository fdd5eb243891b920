"""Images: here, pulled or built; each way with its own clear failure."""

import docker.errors
import pytest
import requests
from fake_engine import FakeClient, FakeImages, api_error

from harness.model.errors import NotJudgedError
from harness.stack.images import BASES, base_image, built, found

LOCAL, PUBLIC = BASES


def client(*here, registry=()):
    return FakeClient(images=FakeImages(here, registry))


@pytest.fixture
def context(tmp_path):
    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM $BASE\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "app.py").write_text("1")
    return tmp_path


@pytest.mark.parametrize(
    ("here", "chosen"), [([LOCAL], LOCAL), ([PUBLIC], PUBLIC), ([PUBLIC, LOCAL], LOCAL)]
)
def test_a_base_image_that_is_here_is_used_and_nothing_pulled(here, chosen):
    engine = client(*here, registry=[PUBLIC])
    assert base_image(engine) == chosen
    assert engine.images.pulled == []


def test_a_base_image_that_is_missing_is_pulled_where_a_registry_answers():
    engine = client(registry=[PUBLIC])
    assert base_image(engine) == PUBLIC
    assert engine.images.pulled == [PUBLIC]


@pytest.mark.parametrize(
    "error", [api_error(500, "dial tcp: timeout"), requests.ReadTimeout("dial tcp: timeout")]
)
def test_a_base_image_that_cannot_be_had_names_the_remedy(error):
    engine = client()
    engine.images.pull_error = error
    with pytest.raises(NotJudgedError, match=r"trixie-slim.*\(dial tcp: timeout\); run `make set"):
        base_image(engine)


@pytest.mark.parametrize(
    "name",
    [
        "shop",
        "shop:2",
        "localhost:5000/shop",
        "localhost:5000/team/shop:2",
        "shop@sha256:0123456789abcdef",
    ],
)
def test_a_name_is_pulled_whole(name):
    """A colon may be a tag's, a registry's port's, or a digest's."""
    engine = client(registry=[name])
    assert found(engine, name, remedy="r") == name
    assert engine.images.pulled == [name]


@pytest.mark.parametrize("name", ["gone:1", "Not A Name", ""])
def test_an_image_that_is_nowhere_is_named_with_the_remedy(name):
    with pytest.raises(NotJudgedError, match=rf"image: {name!r} is not on .*; pull it"):
        found(client(), name, remedy="pull it")


def test_an_image_is_built_once_for_its_content(context):
    engine = client(LOCAL)
    tag = built(engine, "edge", context, LOCAL, RELEASE="v1")
    assert tag.startswith("harness-edge:")
    assert built(engine, "edge", context, LOCAL, RELEASE="v1") == tag
    [build] = engine.images.built
    assert build["path"] == str(context)
    assert build["tag"] == tag
    assert {"BASE": LOCAL, "RELEASE": "v1"}.items() <= build["buildargs"].items()


def test_any_change_of_content_argument_or_base_makes_another_image(context):
    engine = client(LOCAL, PUBLIC)
    tags = [built(engine, "edge", context, LOCAL, RELEASE="v1")]
    tags.append(built(engine, "edge", context, LOCAL, RELEASE="v2"))
    tags.append(built(engine, "edge", context, PUBLIC, RELEASE="v1"))
    (context / "sub" / "app.py").write_text("2")
    tags.append(built(engine, "edge", context, LOCAL, RELEASE="v1"))
    (context / "sub" / "app.py").rename(context / "sub" / "main.py")
    tags.append(built(engine, "edge", context, LOCAL, RELEASE="v1"))
    assert len(set(tags)) == 5


def test_what_python_leaves_in_the_folder_does_not_count(context):
    engine = client(LOCAL)
    tag = built(engine, "edge", context, LOCAL)
    (context / "__pycache__").mkdir()
    (context / "__pycache__" / "app.pyc").write_bytes(b"x")
    assert built(engine, "edge", context, LOCAL) == tag


def test_proxies_of_this_process_reach_the_build_and_not_the_tag(context, monkeypatch):
    engine = client(LOCAL)
    tag = built(engine, "edge", context, LOCAL)
    engine.images.here.remove(tag)
    monkeypatch.setenv("https_proxy", "http://proxy.test:3128")
    monkeypatch.setenv("NO_PROXY", "")
    assert built(engine, "edge", context, LOCAL) == tag
    passed = engine.images.built[-1]["buildargs"]
    assert passed["https_proxy"] == "http://proxy.test:3128"
    assert "NO_PROXY" not in passed


def test_a_build_that_failed_says_its_last_lines(context):
    engine = client(LOCAL)
    log = [{"stream": f"line {n}\n"} for n in range(40)] + [{"stream": "\n"}, {"status": "x"}]
    engine.images.build_error = docker.errors.BuildError("exit code 100", iter(log))
    with pytest.raises(NotJudgedError) as caught:
        built(engine, "edge", context, LOCAL)
    text = str(caught.value)
    assert "exit code 100" in text
    assert "line 39" in text
    assert "line 24" not in text
    assert "package mirror" in text


def test_an_engine_that_refuses_to_build_is_quoted(context):
    engine = client(LOCAL)
    engine.images.build_error = api_error(500, "no space left on device")
    with pytest.raises(NotJudgedError, match=r"building harness-edge:\w+ failed: no space left"):
        built(engine, "edge", context, LOCAL)
