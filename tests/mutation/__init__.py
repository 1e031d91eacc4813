"""Mutations of the pure code: the small faults of a file that its tests do not notice."""
