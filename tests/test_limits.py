"""Limits as settings: one table, an option each, each mistake with its key and its remedy."""

import argparse
import re
import textwrap
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checks import ALL
from harness.config import Settings, load
from harness.limits import TWINS, LimitSettings, flattened
from harness.model.errors import NotJudgedError
from harness.model.scenario import Limits
from harness.options import add_settings, given_settings

KEYS = {
    "failed_share": ("failed_share", 0.001),
    "p99_ms": ("p99_ms", 250.0),
    "p99_factor": ("latency_factor", 2.0),
    "p99_margin_ms": ("latency_margin_ms", 50.0),
    "max_ms": ("max_ms", 900.0),
    "max_factor": ("max_factor", 10.0),
    "outage_ms": ("outage_ms", 400.0),
    "near_misses": ("near_misses", 4),
    "lost_writes": ("lost_writes", 1),
    "doubled_writes": ("doubled_writes", 2),
    "resolve_ms": ("resolve_ms", 5.0),
    "reconnect_ms": ("reconnect_ms", 700.0),
}
"""Of the table: the model's name for it, and a value that is not the default."""


def table(folder, text):
    (folder / "pyproject.toml").write_text(f"[tool.harness.limits]\n{text}\n")
    return folder


def refusal(given=None, *, folder):
    with pytest.raises(NotJudgedError) as caught:
        load(given, folder=folder).refuse_contradictions()
    return str(caught.value)


def options(*arguments):
    parser = argparse.ArgumentParser(allow_abbrev=False)
    add_settings(parser, prefix="--")
    return given_settings(parser.parse_args(arguments))


def test_without_a_table_the_limits_are_the_models_own():
    assert Settings().limits() == Limits()


def test_the_table_has_a_key_for_each_limit_that_a_user_may_set():
    own = {name.removeprefix("limit_") for name in LimitSettings.model_fields}
    assert own | set(TWINS.values()) == set(KEYS)
    instruments = {"steal_share", "late_ms", "sent_share", "unobserved_release"}
    assert {one.name for one in fields(Limits)} - instruments == {name for name, _ in KEYS.values()}


@pytest.mark.parametrize("key", KEYS)
def test_each_key_of_the_table_reaches_the_judgement_and_no_other_limit(tmp_path, key):
    name, value = KEYS[key]
    found = load(folder=table(tmp_path, f"{key} = {value}")).limits()
    assert getattr(found, name) == value != getattr(Limits(), name)
    assert found.changed() == {key: value}


@pytest.mark.parametrize("key", KEYS)
def test_each_key_is_an_option_which_wins_over_the_file(tmp_path, key):
    name, value = KEYS[key]
    said = options(f"--limit-{key.replace('_', '-')}", str(value))
    other = {"near_misses": 9, "lost_writes": 9, "doubled_writes": 9}.get(key, 0.5)
    folder = table(tmp_path, f"{key} = {9 if 'factor' in key else other}")
    assert getattr(load(said, folder=folder).limits(), name) == value


@pytest.mark.parametrize("key", ["p99_ms", "resolve_ms", "outage_ms"])
def test_a_length_is_an_option_without_its_unit_too(key):
    short = key.removesuffix("_ms").replace("_", "-")
    assert getattr(load(options(f"--limit-{short}", "5ms")).limits(), key) == 5.0


@pytest.mark.parametrize("key", [key for key in KEYS if key.endswith("_ms")])
@pytest.mark.parametrize("text", ['"7ms"', '"7 ms"', '"7"', "7", "7.0"])
def test_lengths_may_carry_their_unit(tmp_path, key, text):
    found = load(folder=table(tmp_path, f"{key} = {text}")).limits()
    assert getattr(found, KEYS[key][0]) == 7.0


@pytest.mark.parametrize(("text", "share"), [('"0.1%"', 0.001), ('"7 %"', 0.07), ("0.02", 0.02)])
def test_a_share_may_be_given_in_percent(tmp_path, text, share):
    assert load(folder=table(tmp_path, f"failed_share = {text}")).limits().failed_share == share


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("limits.faild_share", "limits.failed_share"),
        ("limits.p99", "limits.p99_ms"),
        ("limits.near_miss", "limits.near_misses"),
        ("failed_share", "limits.failed_share"),
        ("limit", "limits"),
    ],
)
def test_an_unknown_key_gets_its_nearest_in_the_table_too(tmp_path, key, near):
    (tmp_path / "pyproject.toml").write_text(f"[tool.harness]\n{key} = 1\n")
    assert refusal(folder=tmp_path) == f"settings: no such key {key!r}; did you mean {near!r}?"


def test_a_key_of_the_table_that_is_near_to_none_is_pointed_to_the_list(tmp_path):
    assert refusal(folder=table(tmp_path, "xyzzy = 1")) == (
        "settings: no such key 'limits.xyzzy'; see `harness verify --help`"
    )


@pytest.mark.parametrize(
    ("key", "value", "remedy"),
    [
        ("failed_share", 1, "less than 1"),
        ("failed_share", -0.1, "greater than or equal to 0"),
        ("failed_share", "nan", "should be"),
        ("failed_share", "x%", "valid number"),
        ("p99_ms", -1, "greater than or equal to 0"),
        ("p99_ms", "5s", "valid number"),
        ("p99_factor", 0.5, "less than the steady state itself; give it 1 or more, or 0"),
        ("max_factor", 0.99, "less than the steady state itself; give it 1 or more, or 0"),
        ("max_ms", "inf", "less than or equal to"),
        ("lost_writes", -1, "greater than or equal to 0"),
        ("doubled_writes", 1.5, "valid integer"),
        ("reconnect_ms", 0, "greater than 0"),
    ],
)
def test_a_wrong_value_names_key_value_meaning_and_remedy(tmp_path, key, value, remedy):
    text = refusal({f"limit_{key}": value}, folder=tmp_path)
    meaning = Settings.model_fields[f"limit_{key}"].description
    assert text.startswith(f"settings: limits.{key} = {value!r} ({meaning}): ")
    assert remedy in text
    assert "\n" not in text


@pytest.mark.parametrize("value", ["3", '"x"', "[1]"])
def test_limits_that_are_no_table_are_refused(tmp_path, value):
    (tmp_path / "pyproject.toml").write_text(f"[tool.harness]\nlimits = {value}\n")
    assert refusal(folder=tmp_path).endswith("expected the table [tool.harness.limits]")


@pytest.mark.parametrize("key", ["near_misses", "resolve_ms"])
def test_what_is_older_than_the_table_may_be_said_beside_it_if_alike(tmp_path, key):
    text = "[tool.harness]\n{key} = 5\n[tool.harness.limits]\n{key} = {other}\n"
    same = '"5ms"' if key == "resolve_ms" else "5"
    (tmp_path / "pyproject.toml").write_text(text.format(key=key, other=same))
    assert getattr(load(folder=tmp_path).limits(), key) == 5
    (tmp_path / "pyproject.toml").write_text(text.format(key=key, other=6))
    assert refusal(folder=tmp_path) == (
        f"settings: limits.{key} = 6 and {key} = 5 are one limit, said twice and not alike; "
        "leave one of them out"
    )


def test_said_twice_on_the_command_line_and_not_alike_is_refused():
    said = options("--near-misses", "1", "--limit-near-misses", "2")
    with pytest.raises(NotJudgedError, match=r"limits\.near_misses = '2' and near_misses = '1'"):
        load(said)


@pytest.mark.parametrize("key", ["near_misses", "limit_near_misses"])
@pytest.mark.parametrize("text", ["limits = {near_misses = 3}", "near_misses = 3"])
def test_what_is_given_wins_under_either_name(tmp_path, key, text):
    (tmp_path / "pyproject.toml").write_text(f"[tool.harness]\n{text}\n")
    assert load({key: "0"}, folder=tmp_path).limits().near_misses == 0


def test_limits_given_as_a_table_change_no_other_limit(tmp_path):
    folder = table(tmp_path, "failed_share = 0.01\nlost_writes = 1")
    found = load({"limits": {"lost_writes": 2}}, folder=folder).limits()
    assert (found.failed_share, found.lost_writes) == (0.01, 2)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("p99_factor = 0", "limits.p99_factor = 0 leaves latency without a limit; give"),
        ("p99_factor = 0\np99_ms = 9\np99_margin_ms = 3", "limits.p99_margin_ms = 3 counts from"),
        ("max_ms = 9\np99_ms = 10", "limits.max_ms = 9 is below limits.p99_ms = 10"),
        ("outage_ms = 9\nresolve_ms = 10", "limits.outage_ms = 9 asks that such an outage be seen"),
    ],
)
def test_limits_at_odds_are_refused_in_one_message(tmp_path, text, told):
    said = refusal(folder=table(tmp_path, text))
    assert said.startswith(f"settings: {told}")
    assert "\n" not in said


@pytest.mark.parametrize(
    "text",
    [
        "p99_factor = 0\np99_ms = 9",
        "max_ms = 10\np99_ms = 10",
        "max_ms = 10",
        "outage_ms = 10\nresolve_ms = 10",
    ],
)
def test_limits_that_go_together_are_not_refused(tmp_path, text):
    load(folder=table(tmp_path, text)).refuse_contradictions()


@given(st.integers(0, 999_999), st.integers(0, 10**7))
def test_a_share_is_never_rounded_up_nor_a_request_short(millionths, sent):
    assert Limits(failed_share=millionths / 10**6).failures_of(sent) == millionths * sent // 10**6


@given(
    st.dictionaries(st.sampled_from(sorted(KEYS)), st.integers(0, 9)),
    st.dictionaries(st.sampled_from(["rate", "swaps"]), st.integers(0, 9)),
)
def test_a_table_says_the_same_as_its_keys_one_by_one(limits, others):
    plain = {f"limit_{key}": value for key, value in limits.items()}
    found = flattened({**others, "limits": limits})
    assert found == flattened({**others, **plain}) == flattened(found)
    assert len(found) == len(limits) + len(others)


DOCS = Path(__file__).parents[1] / "docs" / "limits.md"
ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \| (-?[\d.]+) \| `(\w+)` \|", re.MULTILINE)


def test_the_documented_table_has_each_key_its_default_and_a_check_that_there_is():
    rows = {key: (float(default), check) for key, default, check in ROW.findall(DOCS.read_text())}
    model = Limits()
    assert {key: default for key, (default, _) in rows.items()} == {
        key: getattr(model, name) for key, (name, _) in KEYS.items()
    }
    names = {check.__module__.rpartition(".")[2] for check in ALL}
    assert {check for _, check in rows.values()} <= names


def test_the_documented_example_is_taken(tmp_path):
    [text] = re.findall(
        r"^    \[tool.harness.limits\]\n(?:    .*\n)+", DOCS.read_text(), re.MULTILINE
    )
    (tmp_path / "pyproject.toml").write_text(textwrap.dedent(text))
    found = load(folder=tmp_path)
    found.refuse_contradictions()
    assert found.limits().changed() == {"failed_share": 0.001, "p99_ms": 250, "outage_ms": 500}
