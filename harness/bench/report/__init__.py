"""A judged benchmark in print: terminal, Markdown, CSV, HTML, JSON."""
