"""What every report says beside its answer: which part of the record cannot be trusted."""

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something of the record that cannot be trusted; what depends on it is left out."""

    kind: str
    """``damaged``, ``missing_rows``, ``clock_backwards``, ``missing`` or ``altered``."""
    subject: str
    reason: str
