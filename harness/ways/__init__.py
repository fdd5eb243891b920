"""The ways to bring a target: from settings to a scenario and the parts that carry it out, one file
a way.
"""
