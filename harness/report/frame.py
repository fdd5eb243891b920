"""What a result's JSON has in common, whichever kind of result: its form, and its JSON Schema."""

import json
import math
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

__all__ = ["Frame"]

T = TypeVar("T")


class Frame(Generic[T]):
    """A frozen type's JSON in and out, and the schema that is generated from its own code."""

    def __init__(self, kind: type[T]) -> None:
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)

    def dump(self, result: T) -> str:
        """The result as JSON, two spaces deep, with a newline at its end.

        Whatever it holds, this is JSON: what has no form there becomes text, a float that is no
        number null, and half a surrogate pair `?`.
        """
        value = _json(self._adapter.dump_python(result))
        return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def load(self, text: str | bytes) -> T:
        """What `dump` gave. Raises pydantic.ValidationError (a ValueError) where it is not that."""
        return self._adapter.validate_json(text)

    def schema(self) -> dict[str, Any]:
        """The JSON Schema (draft 2020-12) of `dump`'s text."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **self._adapter.json_schema(mode="serialization"),
        }

    def schema_text(self) -> str:
        """The schema as it is committed."""
        return json.dumps(self.schema(), indent=2, sort_keys=True) + "\n"


def _json(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_json(str(key)): _json(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_json(entry) for entry in value]
    return value if value is None or isinstance(value, int) else _json(str(value))
