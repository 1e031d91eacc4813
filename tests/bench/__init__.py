"""Measurements: printed with machine, commit and load, never asserted."""
