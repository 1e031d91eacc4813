"""The venue Polymarket behind the port, through the venue's own SDK (polymarket-client)."""
