"""What a release shows: its greeting, a page, and the stylesheet that the page names."""

import gzip
import hashlib
import sys
from pathlib import Path

LINES = 200


def greeting(release: str) -> str:
    """The home page's text. The two releases of the post, or any other by its name."""
    adjective = {"v1": "", "v2": "changed "}.get(release, f"{release} ")
    return f"Hello beautiful {adjective}world!"


def stylesheet(release: str) -> str:
    """Differs from release to release, and so does its name."""
    rules = "".join(f".line-{n} {{ order: {n}; }}\n" for n in range(1, LINES + 1))
    return f"/* {greeting(release)} */\n{rules}"


def stylesheet_name(release: str) -> str:
    """`site-HASH.css`: a name that no other content has, so that it may be cached for ever."""
    return f"site-{hashlib.sha256(stylesheet(release).encode()).hexdigest()[:12]}.css"


def page(release: str) -> str:
    """Long enough to be worth compressing."""
    hello = greeting(release)
    lines = "".join(f'<li class="line-{n}">Line {n}: {hello}</li>\n' for n in range(1, LINES + 1))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{hello}</title>\n"
        f'<link rel="stylesheet" href="/assets/{stylesheet_name(release)}">\n</head>\n'
        f"<body>\n<ol>\n{lines}</ol>\n</body>\n</html>\n"
    )


def made(size: int) -> str:
    """`size` bytes of ASCII, in numbered lines of 16: no block of it is like another."""
    return "".join(f"{line:015d}\n" for line in range(-(-size // 16)))[:size]


def publish(release: str, folder: Path) -> None:
    """Writes the release's assets, each compressed beside itself, for a server to serve as is."""
    folder.mkdir(parents=True, exist_ok=True)
    content = stylesheet(release).encode()
    name = stylesheet_name(release)
    (folder / name).write_bytes(content)
    (folder / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))


if __name__ == "__main__":
    publish(sys.argv[1], Path(sys.argv[2]))
