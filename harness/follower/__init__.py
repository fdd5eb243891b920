"""A service of its own that keeps HAProxy's servers equal to a website's healthy containers.

It hears from the engine what becomes of containers, and tells HAProxy by its Runtime API. It
imports the standard library and itself alone, as that is all there is in its image.
"""
