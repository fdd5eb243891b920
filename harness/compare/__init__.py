"""Swap strategies side by side: a part that runs them, and a pure part that compares."""
