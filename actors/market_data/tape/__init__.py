"""The tape of what market data saw: Parquet by day and asset, as the sandbox exchange reads it."""
