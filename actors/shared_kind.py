"""The kinds of actors that all slots share."""

from enum import StrEnum


class Kind(StrEnum):
    """In the order of replacement: who judges first, who sends orders last."""

    SUPERVISOR = "supervisor"
    MARKET_DATA = "market-data"
    GATEWAY = "gateway"
