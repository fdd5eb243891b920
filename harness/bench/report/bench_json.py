"""`bench.json`, and its JSON Schema, which is generated from `bench.result.BenchResult`.

`python -m harness.bench.report.bench_json` writes the schema anew, beside this file.
"""

import json
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from harness.bench.result import BenchResult

__all__ = ["SCHEMA_FILE", "dump", "load", "schema"]

SCHEMA_FILE: Final = Path(__file__).with_name("bench.schema.json")
_RESULT: Final = TypeAdapter(BenchResult)


def dump(result: BenchResult) -> str:
    """As JSON, two spaces deep, with a newline at its end; what is no number in JSON is null."""
    value = json.loads(_RESULT.dump_json(result))
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def load(text: str | bytes) -> BenchResult:
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
