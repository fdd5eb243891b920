"""`bench.json`, and its JSON Schema, which is generated from `bench.result.BenchResult`.

`python -m harness.bench.report.bench_json` writes the schema anew, beside this file.
"""

from pathlib import Path
from typing import Final

from harness.bench.result import BenchResult
from harness.report.frame import Frame

__all__ = ["SCHEMA_FILE", "dump", "load", "schema", "schema_text"]

SCHEMA_FILE: Final = Path(__file__).with_name("bench.schema.json")
_FRAME: Final = Frame(BenchResult)

dump, load = _FRAME.dump, _FRAME.load
schema, schema_text = _FRAME.schema, _FRAME.schema_text

if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    print(f"wrote {SCHEMA_FILE}")
