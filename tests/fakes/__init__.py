"""Fakes of a run's parts: they run the whole of `run` in milliseconds, on a clock of their own."""
