"""Market data: every public feed, and the snapshots made of them."""
