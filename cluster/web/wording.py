"""How numbers and ages are written on the pages; times are written by `views.texts`. Pure."""

from collections.abc import Callable
from typing import Any, Final

from cluster.web.views.texts import clock, utc
from signals.units import MICRO

MS_PER_S: Final = 1_000
ID_LETTERS: Final = 12
GIB: Final = 2**30


def usd(micro_usd: int | None) -> str:
    """Write micro-USD in dollars and cents."""
    return "unknown" if micro_usd is None else f"{micro_usd / MICRO:,.2f} USD"


def signed_usd(micro_usd: int | None) -> str:
    """Write a gain or loss with its sign, so that colour is never the only mark."""
    if micro_usd is None:
        return ""
    return f"{micro_usd / MICRO:+,.2f}" if micro_usd else "0.00"


def shares(micro: int) -> str:
    return f"{micro / MICRO:g}"


def age(age_ms: int | None) -> str:
    """Write how long ago, in the largest unit that tells it."""
    if age_ms is None:
        return "never"
    seconds = max(0, age_ms) // MS_PER_S
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def seconds(length_ms: int | None) -> str:
    return "" if length_ms is None else f"{length_ms / MS_PER_S:.1f} s"


def short_id(identity: str | None) -> str:
    return (identity or "")[:ID_LETTERS]


def gib(count_bytes: int) -> str:
    return f"{count_bytes / GIB:.1f} GiB"


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "usd": usd,
    "signed_usd": signed_usd,
    "shares": shares,
    "clock": clock,
    "utc": utc,
    "age": age,
    "seconds": seconds,
    "short_id": short_id,
    "gib": gib,
}
