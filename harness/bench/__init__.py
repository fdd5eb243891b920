"""Balancing algorithms compared: a part that runs rounds, and a pure part that judges them."""
