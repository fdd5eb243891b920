"""Runs that are over: found, listed, held against each other, and removed."""
