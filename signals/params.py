"""Parameters of the signal. To be written."""

import msgspec


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """Placeholder."""
