"""Settings: each mistake is named with its key, its value and what would do."""

from pathlib import Path

import pytest

from harness.config import Settings, load
from harness.model.errors import NotJudgedError
from harness.model.traffic import ArrivalKind


def write(folder, text, **more):
    (folder / "pyproject.toml").write_text(text, **more)
    return folder


def refusal(given=None, *, folder):
    with pytest.raises(NotJudgedError) as caught:
        load(given, folder=folder)
    return str(caught.value)


def test_without_a_file_the_defaults_hold(tmp_path):
    settings = load(folder=tmp_path)
    assert (settings.rate, settings.swap, settings.swaps) == (300.0, "drain", 1)
    assert settings.arrivals is ArrivalKind.even
    assert settings.reports == Path("reports")


def test_a_file_is_read_and_what_is_given_wins(tmp_path):
    write(tmp_path, '[tool.harness]\nrate = 50\nswap = "recreate"\nimages = {v2 = "shop:2"}\n')
    settings = load({"rate": "75.5", "swap": None}, folder=tmp_path)
    assert (settings.rate, settings.swap) == (75.5, "recreate")
    assert settings.images == {"v2": "shop:2"}


def test_the_nearest_file_above_is_read_and_no_other(tmp_path):
    write(tmp_path, "[tool.harness]\nrate = 50\nswaps = 9\n")
    near = tmp_path / "a" / "b"
    near.mkdir(parents=True)
    assert load(folder=near).rate == 50
    write(tmp_path / "a", "[tool.harness]\nrate = 60\n")
    assert (load(folder=near).rate, load(folder=near).swaps) == (60, 1)


@pytest.mark.parametrize("text", ["", "[tool.other]\nx = 1\n", "tool = 3\n"])
def test_a_file_of_other_tools_sets_nothing(tmp_path, text):
    assert load(folder=write(tmp_path, text)).rate == 300


def test_a_file_of_our_own_has_the_same_keys_without_the_head(tmp_path):
    (tmp_path / "harness.toml").write_text('rate = 50\n[images]\nv2 = "shop:2"\n')
    settings = load({"swaps": 2}, folder=tmp_path)
    assert (settings.rate, settings.swaps, settings.images) == (50, 2, {"v2": "shop:2"})


def test_a_file_of_our_own_stands_beside_a_project_that_says_nothing_of_us(tmp_path):
    write(tmp_path, "[tool.other]\nrate = 9\n")
    (tmp_path / "harness.toml").write_text("rate = 50\n")
    assert load(folder=tmp_path).rate == 50


def test_the_nearest_folder_with_either_file_counts(tmp_path):
    (tmp_path / "harness.toml").write_text("rate = 50\n")
    near = tmp_path / "a" / "b"
    near.mkdir(parents=True)
    assert load(folder=near).rate == 50
    write(tmp_path / "a", "")
    assert load(folder=near).rate == 300
    (near / "harness.toml").write_text("rate = 70\n")
    assert load(folder=near).rate == 70


@pytest.mark.parametrize("section", ["rate = 60", ""])
def test_both_files_in_one_folder_are_refused(tmp_path, section):
    write(tmp_path, f"[tool.harness]\n{section}\n")
    (tmp_path / "harness.toml").write_text("rate = 50\n")
    assert refusal(folder=tmp_path) == (
        f"settings: both {tmp_path / 'pyproject.toml'} ([tool.harness]) and "
        f"{tmp_path / 'harness.toml'} have them; keep one"
    )


def test_a_typo_in_a_file_of_our_own_gets_its_nearest(tmp_path):
    (tmp_path / "harness.toml").write_text("rat = 50\n")
    assert refusal(folder=tmp_path) == "settings: no such key 'rat'; did you mean 'rate'?"
    (tmp_path / "harness.toml").write_text("rate = \n")
    assert refusal(folder=tmp_path).startswith(
        f"settings: {tmp_path / 'harness.toml'} is not valid TOML: "
    )


def test_a_seed_is_drawn_anew_and_can_be_held(tmp_path):
    drawn = {load(folder=tmp_path).seed for _ in range(5)}
    assert len(drawn) > 1
    assert load({"seed": "42"}, folder=tmp_path).seed == 42


@pytest.mark.parametrize(
    ("key", "near"), [("rat", "rate"), ("drain-timeout-s", "drain_timeout_s"), ("swapz", "swap")]
)
def test_an_unknown_key_gets_its_nearest(tmp_path, key, near):
    write(tmp_path, f"[tool.harness]\n{key} = 1\n")
    assert refusal(folder=tmp_path) == (f"settings: no such key {key!r}; did you mean {near!r}?")


def test_an_unknown_key_that_is_near_to_none_is_pointed_to_the_list(tmp_path):
    write(tmp_path, "[tool.harness]\nxyzzy = 1\n")
    assert refusal(folder=tmp_path) == (
        "settings: no such key 'xyzzy'; see `harness verify --help`"
    )


@pytest.mark.parametrize(
    ("key", "value", "remedy"),
    [
        ("rate", 0, "greater than or equal to 10"),
        ("rate", -5, "greater than or equal to 10"),
        ("rate", "fast", "valid number"),
        ("rate", "nan", "should be"),
        ("rate", 1e9, "less than or equal to 100000"),
        ("arrivals", "odd", "'even' or 'poisson'"),
        ("swaps", 0, "greater than or equal to 1"),
        ("swaps", 1.5, "valid integer"),
        ("replicas", 33, "less than or equal to 32"),
        ("timeout_s", 0, "greater than 0"),
        ("steady_s", "inf", "less than or equal to 36000"),
        ("steady_s", "nan", "should be"),
        ("edge_port", 70_000, "less than or equal to 65535"),
        ("edge_port", -1, "greater than or equal to 0"),
        ("port", 0, "greater than or equal to 1"),
        ("health", "ready", "must begin with /"),
        ("path", "both", "'auto', 'edge' or 'published'"),
        ("seed", -1, "greater than or equal to 0"),
        ("release", "header", "'header' tells no release; say header:NAME, json:PATH"),
        ("release", "cookie:v", "or body"),
        ("expect_status", 99, "greater than or equal to 100"),
        ("allow_unobserved_release", "perhaps", "valid boolean"),
        ("deploy_timeout_s", 0, "greater than 0"),
        ("images", "shop:1", "dictionary"),
        ("plugins", "one_module", "tuple"),
    ],
)
def test_a_wrong_value_names_key_value_meaning_and_remedy(tmp_path, key, value, remedy):
    text = refusal({key: value}, folder=tmp_path)
    assert text.startswith(f"settings: {key} = {value!r} ({Settings.model_fields[key].description}")
    assert remedy in text
    assert "\n" not in text


@pytest.mark.parametrize("rate", [1e-320, 1e-9, 0.0009])
def test_a_stream_that_is_too_rare_to_come_is_refused(tmp_path, rate):
    text = refusal({"traffic": {"write": rate, "get-new": 0}}, folder=tmp_path)
    assert text.startswith(f"settings: traffic.write = {rate!r} (requests a second by stream")
    assert text.endswith("too rare; give it 0.001 or more, or 0, which leaves it out")


@pytest.mark.parametrize("rate", [0, 0.001])
def test_a_stream_may_be_left_out_or_rare(tmp_path, rate):
    assert load({"traffic": {"write": rate}}, folder=tmp_path).traffic == {"write": rate}


def test_an_image_of_an_unknown_component_names_the_known_ones(tmp_path):
    text = refusal({"images": {"nginx": "x"}}, folder=tmp_path)
    known = "base, edge, balancer, store, netfilter, v1, v2"
    assert f"unknown component 'nginx'; known are: {known}" in text


def test_each_mistake_has_a_line_of_its_own(tmp_path):
    lines = refusal({"rate": 0, "port": "x", "rates": 1}, folder=tmp_path).splitlines()
    assert len(lines) == 3
    assert all(line.startswith("settings: ") for line in lines)


@pytest.mark.parametrize("text", ["[tool.harness\n", "[tool.harness]\nrate = \n", "a = 1\na = 2\n"])
def test_a_file_that_is_no_toml_is_named(tmp_path, text):
    write(tmp_path, text)
    assert refusal(folder=tmp_path).startswith(
        f"settings: {tmp_path / 'pyproject.toml'} is not valid TOML: "
    )


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe")
    assert "is not valid TOML" in refusal(folder=tmp_path)


@pytest.mark.parametrize("value", ["3", '"x"', "[1]", "[{rate = 20}]"])
def test_a_section_that_is_no_table_is_named(tmp_path, value):
    write(tmp_path, f"[tool]\nharness = {value}\n")
    assert refusal(folder=tmp_path).endswith("[tool.harness] must be a table")


def test_a_request_sent_last_may_take_its_whole_time():
    settings = Settings(timeout_s=7, warmup_s=1, steady_s=2, between_s=3, after_s=4)
    timing = settings.timing()
    assert timing.finish_s > 7
    assert (timing.warmup_s, timing.steady_s, timing.between_s, timing.after_s) == (1, 2, 3, 4)


def contradiction(**given):
    with pytest.raises(NotJudgedError) as caught:
        Settings(**given).refuse_contradictions()
    return str(caught.value).splitlines()


AT_A_URL = {"url": "https://shop.test/", "deploy": "make deploy"}


def test_a_url_with_all_that_it_takes_contradicts_nothing():
    Settings().refuse_contradictions()
    Settings(**AT_A_URL).refuse_contradictions()
    Settings(
        **AT_A_URL,
        swaps=2,
        ca="ca.pem",
        release="body",
        expect_text="x",
        expect_status=404,
        deploy_timeout_s=5,
        allow_unobserved_release=True,
        between_s=3,
        after_s=3,
    ).refuse_contradictions()


def test_a_url_without_a_deploy_command_is_refused():
    assert contradiction(url="http://shop.test/") == [
        "settings: url needs deploy: the command that replaces the release there"
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deploy", "make"),
        ("deploy_timeout_s", 5),
        ("expect_status", 404),
        ("expect_text", "x"),
        ("hard_stop_s", 30),
        ("release", "body"),
        ("allow_unobserved_release", True),
        ("ca", "ca.pem"),
    ],
)
def test_what_is_of_a_url_is_refused_without_one(name, value):
    assert contradiction(**{name: value}) == [
        f"settings: {name} is of another target than the bundled stack; name its url too"
    ]


def test_what_only_the_bundled_stack_has_is_refused_with_a_url_a_line_each():
    values = {
        "swap": "drain",
        "algorithm": "roundrobin",
        "replicas": 1,
        "ready_timeout_s": 5,
        "drain_timeout_s": 5,
        "stop_timeout_s": 5,
        "path": "auto",
        "edge_port": 0,
        "host": "10.9.8.7",
        "images": {"v2": "shop:2"},
    }
    lines = contradiction(**AT_A_URL, **values)
    assert sorted(line.split()[1] for line in lines) == sorted(values)
    assert lines[0] == (
        "settings: swap is the bundled stack's; leave it out where url names the target"
    )


def test_a_url_needs_time_to_settle_and_a_second_to_be_seen():
    assert contradiction(**AT_A_URL, after_s=2.9) == [
        (
            "settings: after_s = 2.9 is too short: the old release may answer for 2 s after a "
            "deploy; give it 3 or more"
        )
    ]
    assert contradiction(**AT_A_URL, between_s=1, swaps=2)[0].startswith(
        "settings: between_s = 1 is too short"
    )
    Settings(**AT_A_URL, swaps=2).refuse_contradictions()
    assert Settings(**AT_A_URL).timing().between_s == 3
    assert Settings(**AT_A_URL, between_s=7).timing().between_s == 7
    assert Settings().timing().between_s == 0.5
    assert Settings(mix="heavy").timing().between_s == 3
    assert Settings(mix="heavy", between_s=1).timing().between_s == 1


def test_an_authority_for_plain_http_is_refused():
    assert contradiction(url="http://shop.test/", deploy="make", ca="ca.pem") == [
        "settings: ca is for an https URL; leave it out"
    ]


OF_COMPOSE = {"compose": "compose.yaml", "service": "web"}


def test_a_compose_project_with_all_that_it_takes_contradicts_nothing():
    Settings(**OF_COMPOSE, deploy="make").refuse_contradictions()
    Settings(
        **OF_COMPOSE,
        swap="recreate",
        new_image="a:2",
        old_image="a:1",
        front="edge:443",
        tls=True,
        ca="ca.pem",
        page=("/shop",),
        health="/up",
        release="body",
        expect_text="x",
        expect_status=404,
        hard_stop_s=2,
        ready_timeout_s=60,
        path="published",
        allow_unobserved_release=True,
        swaps=2,
        between_s=3,
    ).refuse_contradictions()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"compose": "c", "deploy": "make"}, "compose needs service: the one that is swapped"),
        (OF_COMPOSE, "compose needs swap (recreate or scale-then-stop), or deploy: a command"),
        (OF_COMPOSE | {"swap": "recreate"}, "swap recreate of a Compose project needs new_image"),
        (
            OF_COMPOSE | {"swap": "recreate", "new_image": "a:2", "deploy": "make"},
            "swap and deploy: the command decides what is swapped and how",
        ),
        (OF_COMPOSE | {"deploy": "make", "old_image": "a"}, "old_image and deploy: the command"),
        (OF_COMPOSE | {"deploy": "make", "url": "http://a/"}, "url is of another target than a"),
        (OF_COMPOSE | {"deploy": "make", "replicas": 2}, "replicas is of another target than a"),
        (OF_COMPOSE | {"deploy": "make", "after_s": 2.5}, "after_s = 2.5 is too short"),
        (OF_COMPOSE | {"deploy": "make", "ca": "c.pem"}, "ca is for a front that speaks https"),
        ({"service": "web"}, "service is of a Compose project; name it with compose too"),
        ({"tls": True}, "tls is of a Compose project; name it with compose too"),
    ],
)
def test_what_does_not_go_with_a_compose_project_is_refused(settings, said):
    assert contradiction(**settings)[0].startswith(f"settings: {said}")


def test_a_compose_project_gets_time_to_become_ready_and_to_be_seen():
    timing = Settings(**OF_COMPOSE, deploy="make", ready_timeout_s=90).timing()
    assert (timing.probe_s, timing.between_s) == (90, 3)


def test_the_wish_not_to_observe_reaches_the_judgement():
    assert Settings(allow_unobserved_release=True).limits().unobserved_release
    assert not Settings().limits().unobserved_release


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Settings().rate = 20.0


@pytest.mark.parametrize("text", ["5ms", "5 ms", "5", 5, 5.0])
def test_an_outage_to_resolve_is_given_with_or_without_its_unit(text, tmp_path):
    assert load({"resolve_ms": text}, folder=tmp_path).limits().resolve_ms == 5.0


def test_an_outage_to_resolve_in_another_unit_is_refused(tmp_path):
    with pytest.raises(NotJudgedError, match="settings: resolve_ms = '5 minutes'"):
        load({"resolve_ms": "5 minutes"}, folder=tmp_path)
