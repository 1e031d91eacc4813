"""Which exchanges a paper fleet reads, in which order: `sources` of its file, by name."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from actors.config import Mode
from actors.market_data.sources.addresses import REAL, SourceAddress
from actors.market_data.sources.catalogue import ADAPTERS
from actors.market_data.sources.port import Kind
from cluster.config.errors import ConfigError


def sources_of(
    file: str, document: Mapping[str, Any], mode: Mode, stand_ins: Sequence[SourceAddress]
) -> tuple[SourceAddress, ...]:
    """Return the addresses in the file's order; stand-ins on this machine go before real ones.

    A sandbox has one service of its own, and no such list.
    """
    names = document.get("sources")
    if mode is Mode.SANDBOX:
        if names is not None:
            raise ConfigError(
                file, "sources", names, "nothing; the sandbox has a service of its own"
            )
        return ()
    real = all(one in REAL for one in stand_ins)  # none: a paper fleet on real addresses
    known = {str(one.name): one for one in (REAL if real else stand_ins)}
    if names is None:
        return tuple(known[one.name] for one in REAL if one.name in known)
    allowed = f"a list of some of {', '.join(known)}, or of tables with name, rest_url, socket_url"
    if not isinstance(names, list) or not names:
        raise ConfigError(file, "sources", names, allowed)
    found = tuple(_address(file, entry, known, allowed) for entry in names)
    if len({one.name for one in found}) < len(found):
        raise ConfigError(file, "sources", names, f"{allowed}; each once")
    if all(ADAPTERS[one.name].kind is Kind.SPOT for one in found):
        perpetual = [name for name, kind in ADAPTERS.items() if kind.kind is Kind.PERPETUAL]
        allowed = (
            f"a list with one at least of {', '.join(perpetual)}: spot sources have no funding and "
            "no open interest, and no slot would decide"
        )
        raise ConfigError(file, "sources", names, allowed)
    return found


def _address(
    file: str, entry: object, known: Mapping[str, SourceAddress], allowed: str
) -> SourceAddress:
    """Read a name, or a table for an address of one's own; a stand-in goes before that one."""
    if isinstance(entry, str) and entry in known:
        return known[entry]
    try:
        own = msgspec.convert(entry, SourceAddress)
    except msgspec.ValidationError:
        raise ConfigError(file, "sources", entry, allowed) from None
    stand_in = known.get(own.name)
    return own if stand_in is None or stand_in in REAL else stand_in
