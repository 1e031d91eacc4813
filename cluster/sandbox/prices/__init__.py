"""Price paths: recorded candles (a tape) where there are any, a seeded generator elsewhere."""
