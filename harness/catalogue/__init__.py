"""The catalogue: each known way to drop a request in a swap, shown, beside what avoids it."""
