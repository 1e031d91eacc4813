"""Proofs from the durable record: which code made a trade, how each release did, what is missing.

Nothing here needs a running fleet. Every reader names what is damaged and goes on with the rest.
"""
