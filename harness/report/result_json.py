"""`result.json`, and its JSON Schema, which is generated from `model.result.Result`.

`python -m harness.report.result_json` writes the schema anew, beside this file.
"""

import json
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from harness.model.result import Result

__all__ = ["SCHEMA_FILE", "dump", "load", "schema"]

SCHEMA_FILE: Final = Path(__file__).with_name("result.schema.json")
_RESULT: Final = TypeAdapter(Result)


def dump(result: Result) -> str:
    """The result as JSON, two spaces deep, with a newline at its end."""
    return _RESULT.dump_json(result, indent=2).decode() + "\n"


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
