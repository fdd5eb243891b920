"""A result, written and printed: result.json, summary.md, junit.xml, the terminal."""
