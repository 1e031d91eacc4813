"""What survives a swap: records, Arrow codec, durable store, journal, upgrades, archive."""
