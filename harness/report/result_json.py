"""`result.json`, and its JSON Schema, which is generated from `model.result.Result`.

`python -m harness.report.result_json` writes the schema anew, beside this file.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from harness.model.result import Result

__all__ = ["SCHEMA_FILE", "dump", "load", "schema"]

SCHEMA_FILE: Final = Path(__file__).with_name("result.schema.json")
_RESULT: Final = TypeAdapter(Result)


def dump(result: Result) -> str:
    """The result as JSON, two spaces deep, with a newline at its end.

    Whatever a check put into its evidence, this is JSON: what has no form there becomes text, a
    float that is no number null, and half a surrogate pair `?`.
    """
    value = _json(_RESULT.dump_python(result))
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


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


def load(text: str | bytes) -> Result:
    """What `dump` gave. Raises pydantic.ValidationError (a ValueError) where it is not that."""
    return _RESULT.validate_json(text)


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `dump`'s text."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_RESULT.json_schema(mode="serialization"),
    }


def schema_text() -> str:
    """The schema as it is committed."""
    return json.dumps(schema(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    print(f"wrote {SCHEMA_FILE}")
