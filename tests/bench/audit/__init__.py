"""Benches of evidence: `audit releases` over a year, replay of a day."""
