"""From settings to a run of the user's own images: names, traffic, the plan, what is refused."""

import pytest

from harness.app_mix import app_mix
from harness.config import Settings, load
from harness.model.errors import NotJudgedError
from harness.model.traffic import Connection, Stream, Tls, Traffic
from harness.stack.own import OwnApp
from harness.stack.smoke import Question, question_of_page
from harness.stack.variation import Variation
from harness.verify import default_traffic, plan, prepared
from harness.ways.images import release_names

IMAGES = {"old_image": "my/app:1", "new_image": "my/app:2"}
LONG = f"{'long.' * 9}registry:5000"
DIGEST = f"my/app@sha256:{'0' * 64}"


def refusal(**given):
    with pytest.raises(NotJudgedError) as info:
        prepared("r1", Settings(**given))
    return str(info.value).splitlines()


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("my/app:1", "my/app:2", ("my/app:1", "my/app:2")),
        (
            f"{'long.' * 9}registry:5000/app:1",
            f"{'long.' * 9}registry:5000/app:2",
            ("app:1", "app:2"),
        ),
        ("my/app:1", "my/app:1", ("old", "new")),
        (f"{'a' * 60}/app:1", f"{'b' * 60}/app:1", ("old", "new")),
        (DIGEST, "my/app:2", ("old", "new")),
        ("edge", "app:2", ("old", "new")),
        ("store", "balancer", ("old", "new")),
        ("not a name", "app:2", ("old", "new")),
    ],
)
def test_releases_are_named_after_their_images_where_that_tells_them_apart(old, new, names):
    assert release_names(old, new) == names


def test_what_is_prepared_is_the_bundled_stack_with_those_images():
    given = {
        **IMAGES, "port": 8080, "health": "/up", "app_env": {"TOKEN": "secret", "MODE": "a"},
        "swap": "rolling", "replicas": 2,
    }  # fmt: skip
    scenario, parts = prepared("r1", Settings(**given))
    assert (scenario.name, scenario.target, scenario.swap) == ("images-rolling", "stack", "rolling")
    assert scenario.releases == ("my/app:1", "my/app:2")
    assert scenario.settings["port"] == 8080
    assert scenario.settings["app_env"] == "TOKEN MODE"
    assert "secret" not in repr(scenario), "what a variable holds may be a secret"
    assert isinstance(parts.target, OwnApp)
    made = parts.target._plan
    assert (made.app.port, made.app.health, made.app.is_sample) == (8080, "/up", False)
    assert made.app.environment == {"TOKEN": "secret", "MODE": "a"}
    assert made.images == {"my/app:1": "my/app:1", "my/app:2": "my/app:2"}
    assert made.question == Question(path="/")
    assert made.discovery == "slots"


def test_components_of_ones_own_go_together_with_it():
    _, parts = prepared("r1", Settings(**IMAGES, images={"edge": "my/nginx:1"}))
    assert parts.target._plan.images["edge"] == "my/nginx:1"


def test_the_same_image_twice_is_a_deploy_too():
    scenario, parts = prepared("r1", Settings(old_image="my/app:1", new_image="my/app:1"))
    assert scenario.releases == ("old", "new")
    assert parts.target._plan.images == {"old": "my/app:1", "new": "my/app:1"}


def test_traffic_asks_each_page_in_each_way_at_the_whole_rate():
    traffic = default_traffic(
        Settings(**IMAGES, page=("/", "/items"), rate=300, expect_text="Shop")
    )
    assert traffic.rate_hz == pytest.approx(300)
    assert [stream.name for stream in traffic.streams][:5] == [
        "get-reused /", "get-new /", "https-reused /", "https-new /", "get-reused /items",
    ]  # fmt: skip
    assert {stream.path for stream in traffic.streams} == {"/", "/items"}
    assert {(each.connection, each.tls) for each in traffic.streams} == {
        (Connection.reuse, Tls.off), (Connection.new, Tls.off),
        (Connection.reuse, Tls.resume), (Connection.new, Tls.full),
    }  # fmt: skip
    assert all(each.expect_text == "Shop" and each.cached_s is None for each in traffic.streams)


def test_a_single_page_gives_its_streams_plain_names_and_a_page_named_twice_counts_once():
    names = ("get-reused", "get-new", "https-reused", "https-new")
    assert app_mix(("/",), 300).stream_names() == names
    assert app_mix(("/", "/"), 300).stream_names() == names


@pytest.mark.parametrize("rate", [10, 12, 300])
def test_no_stream_is_too_thin_to_be_seen(rate):
    traffic = app_mix(("/",), rate)
    assert min(stream.rate_hz for stream in traffic.streams) >= 2.2 - 1e-9
    assert traffic.rate_hz == pytest.approx(rate)


def test_more_pages_than_the_rate_is_enough_for_are_refused():
    with pytest.raises(NotJudgedError, match=r"rate: 20 .* too few for 3 pages.* at least 26\.4"):
        app_mix(("/a", "/b", "/c"), 20)
    with pytest.raises(NotJudgedError, match="page: traffic: 260 streams"):
        app_mix([f"/{number}" for number in range(65)], 10_000)


def test_what_is_asked_of_a_new_instance_is_the_first_page_as_visitors_expect_it():
    assert question_of_page(app_mix(("/a", "/b"), 300, expect_status=404)) == Question(
        path="/a", status=404
    )
    assert question_of_page(app_mix(("/",), 300, expect_text="Shop")) == Question(
        path="/", text="Shop"
    )
    unsayable = question_of_page(app_mix(("/",), 300, expect_text="it's {here}"))
    assert unsayable == Question(path="/"), "the status alone"


def test_a_whole_text_that_is_known_is_asked_for():
    body = {"my/app:1": "one", "my/app:2": "two"}
    traffic = Traffic(streams=(Stream(name="x", path="/x", rate_hz=20, expect_body=body),))
    _, parts = prepared("r1", Settings(**IMAGES), traffic=traffic)
    assert parts.target._plan.question == Question(path="/x", bodies=body)


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        (
            {"old_image": "a"},
            ["settings: old_image needs new_image: both releases are named, or none"],
        ),
        (
            {"new_image": "a"},
            ["settings: new_image needs old_image: both releases are named, or none"],
        ),
        (
            {"port": 80},
            [
                (
                    "settings: port is of an app of your own; name old_image and new_image too; "
                    "the edge's is edge_port"
                )
            ],
        ),
        (
            {"health": "/up"},
            ["settings: health is of an app of your own; name old_image and new_image too"],
        ),
        (
            {"page": ("/x",)},
            ["settings: page is of an app of your own; name old_image and new_image too"],
        ),
        (
            {**IMAGES, "mix": "heavy"},
            ["settings: mix is the sample website's; leave it out, and see page"],
        ),
        (
            {**IMAGES, "images": {"v1": "a", "edge": "b"}},
            ["settings: v1 is the sample website's; leave it out, and see old_image"],
        ),
        (
            {**IMAGES, "release": "body"},
            ["settings: release is of a URL; leave it out where old_image names the target"],
        ),
        (
            {**IMAGES, "url": "http://shop.test/", "deploy": "make"},
            [
                (
                    f"settings: {name} is the bundled stack's; leave it out where url names the "
                    "target"
                )
                for name in ("old_image", "new_image")
            ],
        ),
    ],
)
def test_settings_that_contradict_each_other_are_told_a_line_each(given, lines):
    assert refusal(**given) == lines


def test_a_variation_is_of_the_sample_websites_stack():
    with pytest.raises(NotJudgedError, match="variation: only the sample website's stack"):
        prepared("r1", Settings(**IMAGES), variation=Variation(name="x"))


def test_a_plan_leaves_its_folder_under_a_name_of_its_own(tmp_path):
    todo = plan(Settings(**IMAGES, reports=tmp_path))
    assert todo.folder.parent == tmp_path / "images-drain"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (["A=1", "B=x=y", "C="], {"A": "1", "B": "x=y", "C": ""}),
        ({"A": 1, "B": 1.5, "C": "x"}, {"A": "1", "B": "1.5", "C": "x"}),
        (["FROM_HERE"], {"FROM_HERE": "a value of this process"}),
    ],
)
def test_variables_are_given_as_pairs_as_a_table_or_as_they_are_here(
    tmp_path, monkeypatch, value, found
):
    monkeypatch.setenv("FROM_HERE", "a value of this process")
    assert load({"app_env": value}, folder=tmp_path).app_env == found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"app_env": ["NOT_SET_ANYWHERE"]}, "'NOT_SET_ANYWHERE' is neither NAME=VALUE nor"),
        ({"app_env": ["=x"]}, "'=x' is neither NAME=VALUE"),
        ({"app_env": {"A": True}}, "valid string"),
        ({"page": "items"}, "must begin with /"),
        ({"page": []}, "name at least one"),
        ({"page": "/a b"}, "neither blanks"),
        ({"page": "/{operation}"}, "nor any of"),
        ({"health": "/it's"}, "nor any of"),
        ({"port": 70_000}, "less than or equal to 65535"),
    ],
)
def test_a_wrong_value_is_told(tmp_path, given, said):
    with pytest.raises(NotJudgedError, match=r"^settings: ") as info:
        load(given, folder=tmp_path)
    assert said in str(info.value)
    assert "\n" not in str(info.value)


def test_a_page_may_be_one_or_many(tmp_path):
    assert load({"page": "/a"}, folder=tmp_path).page == ("/a",)
    assert load({"page": ["/a", "/b"]}, folder=tmp_path).page == ("/a", "/b")
