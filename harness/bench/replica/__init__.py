"""The server of a benchmark, which runs in an image of its own; the context of that image."""
