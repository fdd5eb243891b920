"""Proves, under constant load, that replacing a website's release drops no request."""

__version__ = "0.1.0"
