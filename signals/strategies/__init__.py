"""Strategies, one file each, chosen per slot by name. `signals.strategy` states the contract."""
