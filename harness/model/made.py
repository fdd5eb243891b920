"""Long texts that both sides compute: a plan says how long they are, and need not carry them."""

import re
from typing import Final

__all__ = ["expanded", "made"]

_GAP: Final = re.compile(r"\{made ([0-9]{1,8})\}")


def made(size: int) -> str:
    """`size` bytes of ASCII, in numbered lines of 16: no block of it is like another."""
    return "".join(f"{line:015d}\n" for line in range(-(-size // 16)))[:size]


def expanded(text: str) -> str:
    """`text`, with `{made N}` replaced by N bytes that were made."""
    return _GAP.sub(lambda gap: made(int(gap[1])), text)
