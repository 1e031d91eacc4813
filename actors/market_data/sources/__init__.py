"""Market data of real exchanges: one port, one adapter per exchange, and who serves each asset."""
