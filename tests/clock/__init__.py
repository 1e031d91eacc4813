"""A real fleet on a machine whose clock is set."""
