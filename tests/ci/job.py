"""What a job of GitHub Actions takes for commands of what a step prints: by its runner's rules."""

import re
from dataclasses import dataclass, field

KNOWN = {
    *("error", "warning", "notice", "debug", "group", "endgroup", "echo", "stop-commands"),
    *("add-mask", "add-path", "add-matcher", "set-env", "set-output", "save-state"),
}


@dataclass
class Taken:
    name: str
    text: str
    properties: dict[str, str] = field(default_factory=dict)


def taken(printed: str) -> list[Taken]:
    """The commands that are carried out, those that begin and end a fence among them."""
    found, token = [], ""
    for line in re.split(r"\r\n|\r|\n", printed):
        known = KNOWN | ({token} if token else set())
        one = _second_kind(line.lstrip(), known) or _first_kind(line, known)
        if one is None or (token and one.name != token):
            continue
        if one.name == "stop-commands":
            token = one.text
        elif one.name == token:
            token = ""
        found.append(one)
    return found


def _second_kind(line, known):
    match = re.match(r"::(.*?)::(.*)", line)
    return match and _made(*match.groups(), known, separator=",", escapes=("%3A:", "%2C,"))


def _first_kind(line, known):
    match = re.search(r"##\[(.*?)\](.*)", line)
    return match and _made(*match.groups(), known, separator=";", escapes=("%3B;", "%5D]"))


def _made(head, text, known, *, separator, escapes):
    name, _, rest = head.partition(" ")
    if name not in known:
        return None
    pairs = (pair.split("=", 1) for pair in rest.strip().split(separator) if "=" in pair)
    return Taken(name, _plain(text), {key: _plain(value, escapes) for key, value in pairs})


def _plain(text, escapes=()):
    for escape in (*escapes, "%0D\r", "%0A\n", "%25%"):
        text = text.replace(escape[:3], escape[3:])
    return text
