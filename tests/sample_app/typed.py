"""docs/follow-the-post.md as a person follows it: what is typed, section by section."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "follow-the-post.md"
CONTAINER = "webappsample-website-1"
"""What the page calls the old release's container."""
ADDRESS = "localhost:8080"
OLD_TEXT, NEW_TEXT = "Hello beautiful world!", "Hello beautiful changed world!"


def commands(section: str) -> list[str]:
    """The lines of that section's indented blocks, continued ones joined. What is shown of their
    output stands in fences.
    """
    text = re.sub(r"^```.*?^```$", "", PAGE.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)
    bodies = dict(zip(parts[1::2], parts[2::2], strict=True))
    lines = bodies[section].replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.startswith("    ")]


def edit() -> tuple[str, str]:
    """What the page's edit looks for, and what it puts there."""
    [line] = [line for line in commands("Change the text") if line.startswith("sed ")]
    [expression] = [word for word in shlex.split(line) if word.startswith("s/")]
    _, old, new, _ = expression.split("/")
    return old, new


def round_of_commands() -> list[str]:
    """From one release to the next, and all that the one after needs."""
    sections = ("Change the text", "Replace the release", "Before the next time")
    return [line for section in sections for line in commands(section)]
