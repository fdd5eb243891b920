"""Settings of an app of the user's own: what their values may be, and what contradicts them."""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator

__all__ = ["APP_ONLY", "WITH_APP", "Page", "contradictions", "variables"]

_IMAGES: Final = ("old_image", "new_image")
APP_ONLY: Final = frozenset({*_IMAGES, "port", "health", "page", "app_env"})
WITH_APP: Final = frozenset({"expect_status", "expect_text"})
"""Of what is a URL's, that which is an app's too."""
_INSTEAD: Final = {"mix": "page", "traffic": "page", "v1": "old_image", "v2": "new_image"}
"""What is the sample website's, and what an app has instead."""
_PATH: Final = re.compile(r"/[!-~]*")


def _path(text: str) -> str:
    if not _PATH.fullmatch(text) or set(text) & set("#'{}\\"):
        raise ValueError("it must begin with / and hold neither blanks nor any of # ' { } \\")
    return text


Page = Annotated[str, AfterValidator(_path)]


def variables(value: Any) -> Any:
    """A table of environment variables from `["NAME=VALUE", "NAME"]` of a command line, or from one
    with numbers in it. What is neither stays as it is.

    ValueError for what is neither NAME=VALUE nor the name of a variable of this process.
    """
    if isinstance(value, list | tuple):
        return dict(map(_variable, value))
    if isinstance(value, dict):
        return {name: _text(each) for name, each in value.items()}
    return value


def _variable(text: Any) -> tuple[str, str]:
    name, is_said, value = str(text).partition("=")
    if not is_said and name in os.environ:
        return name, os.environ[name]
    if not is_said or not name:
        raise ValueError(f"{text!r} is neither NAME=VALUE nor a variable that is set here")
    return name, value


def _text(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


def contradictions(given: Mapping[str, Any]) -> Iterator[str]:
    """Of what was set to another value than its default, without a URL."""
    if not any(given.get(name) for name in _IMAGES):
        for name in given:
            if name in APP_ONLY:
                more = "; the edge's is edge_port" if name == "port" else ""
                yield f"{name} is of an app of your own; name old_image and new_image too{more}"
        return
    for name, other in (_IMAGES, _IMAGES[::-1]):
        if not given.get(name):
            yield f"{other} needs {name}: both releases are named, or none"
    for name in [*given, *given.get("images", {})]:
        if name in _INSTEAD:
            yield f"{name} is the sample website's; leave it out, and see {_INSTEAD[name]}"
