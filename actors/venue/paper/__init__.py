"""The paper venue: orders of this fleet filled here, against the real venue's public books.

Nothing above the venue port knows. No order leaves, no trading key is read; docs/paper.md states
each assumption of the fills. `exchange` holds the rules (pure), `venue` and `market_stream` do I/O.
"""
