"""Calibration: outages of known kind and length, put in before the run by a server of ours."""
