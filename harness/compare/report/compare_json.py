"""`compare.json`, and its JSON Schema, which is generated from `compare.result.CompareResult`.

`python -m harness.compare.report.compare_json` writes the schema anew, beside this file.
"""

from pathlib import Path
from typing import Final

from harness.compare.result import CompareResult
from harness.report.frame import Frame

__all__ = ["SCHEMA_FILE", "dump", "load", "schema", "schema_text"]

SCHEMA_FILE: Final = Path(__file__).with_name("compare.schema.json")
_FRAME: Final = Frame(CompareResult)

dump, load = _FRAME.dump, _FRAME.load
schema, schema_text = _FRAME.schema, _FRAME.schema_text

if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    print(f"wrote {SCHEMA_FILE}")
