"""A slot: its seat, its decisions, its checkpoints, its part in a handoff."""
