"""GitHub's workflow commands: made rightly, and never by others' text.

Its runner looks for them in all that a step prints: `::name …::` where a line begins (blanks before
it do not count), and `##[name …]` anywhere.
"""

import os
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

__all__ = ["command", "fenced", "harmless", "is_listening"]

_DATA: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY: Final = _DATA | str.maketrans({":": "%3A", ",": "%2C"})
_BEGINS: Final = re.compile(r"(\A|[\r\n])(\s*)::")
_GAP: Final = "\N{ZERO WIDTH SPACE}"


def is_listening(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is printed into a job of GitHub Actions."""
    return environment.get("GITHUB_ACTIONS") == "true"


def command(name: str, text: str, **properties: str) -> str:
    """A line that is that command and nothing else, whatever the texts hold."""
    said = ",".join(f"{key}={value.translate(_PROPERTY)}" for key, value in properties.items())
    return f"::{name}{' ' * bool(said)}{said}::{text.translate(_DATA)}"


def harmless(text: str) -> str:
    """The text so that a job takes none of its lines for a command; as it is where no job listens.

    It looks the same: what is put in has no width.
    """
    if not is_listening():
        return text
    return _BEGINS.sub(rf"\1\2:{_GAP}:", text).replace("##[", f"##{_GAP}[")


@contextmanager
def fenced(*, is_wanted: bool = True) -> Iterator[None]:
    """Within it a job takes nothing that is printed for a command."""
    if not (is_wanted and is_listening()):
        yield
        return
    # Drawn at random: whoever knew it could end the fence.
    token = secrets.token_hex(16)
    print(command("stop-commands", token), flush=True)
    try:
        yield
    finally:
        sys.stderr.flush()
        print(f"\n::{token}::", flush=True)
