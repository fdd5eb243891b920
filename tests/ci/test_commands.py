"""Workflow commands: ours are whole, and no other text becomes one."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from job import taken

from harness.ci.commands import command, fenced, harmless, is_listening

HOSTILE = [
    "::error::hit",
    "  \t::set-env name=PATH::/evil",
    "a\n::add-mask::x",
    "a\r::add-mask::x",
    "a\r\n \u2003::stop-commands::mine",
    "it said ##[set-output name=verdict]pass",
    "##[error]hit",
]
TEXTS = st.text(st.sampled_from("a:,%=;][#\r\n 0A3C25D"), max_size=60) | st.text(max_size=60)


@pytest.fixture
def listening(monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")


@example(text="100 %0A and %25", title="100 %: a, b")
@example(text="::error::x", title="a::error::b,c=d%3A%2C")
@given(text=TEXTS, title=TEXTS.map("harness: {}.".format))
def test_a_command_is_one_line_that_carries_its_texts_whole(text, title):
    line = command("error", text, title=title)
    [one] = taken(line)
    assert (one.name, one.text) == ("error", text)
    assert one.properties == {"title": title}


@pytest.mark.parametrize("value", [None, "", "false", "1"])
def test_elsewhere_nothing_is_changed_or_printed(monkeypatch, capsys, value):
    if value is not None:
        monkeypatch.setenv("GITHUB_ACTIONS", value)
    assert not is_listening()
    assert [harmless(text) for text in HOSTILE] == HOSTILE
    with fenced():
        print("said")
    assert capsys.readouterr().out == "said\n"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_a_command_as_it_is_and_none_once_it_is_harmless(listening, text):
    assert taken(text)
    assert not taken(harmless(text))
    assert harmless(text).replace("\N{ZERO WIDTH SPACE}", "") == text


@given(st.text(st.sampled_from(":#[]\r\n eror"), max_size=40))
def test_no_harmless_text_is_a_command(text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITHUB_ACTIONS", "true")
        assert not taken(harmless(text))


def test_within_a_fence_nothing_is_a_command_and_after_it_everything_is(listening, capsys):
    with fenced():
        for text in HOSTILE:
            print(text)
        print("no line's end", end="")
    print("::notice::mine")
    begin, end, after = taken(capsys.readouterr().out)
    assert (begin.name, end.name) == ("stop-commands", begin.text)
    assert (after.name, after.text) == ("notice", "mine")


def test_a_fence_ends_where_what_is_within_raises(listening, capsys):
    with pytest.raises(KeyboardInterrupt), fenced():
        raise KeyboardInterrupt
    begin, end = taken(capsys.readouterr().out)
    assert end.name == begin.text


def test_no_two_fences_end_alike(listening, capsys):
    for _ in range(2):
        with fenced():
            pass
    first, _, second, _ = taken(capsys.readouterr().out)
    assert len(first.text) == 32
    assert first.text != second.text
