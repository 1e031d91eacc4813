"""Which kind of venue a fleet trades with: no two kinds share a storage, a key or an address. Pure.

A live fleet whose addresses are all on this machine is a rehearsal: every rule of live holds, and
no order can leave.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, assert_never
from urllib.parse import urlsplit

from actors.config import FleetConfig, Mode, Venue

LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
OPTIONAL: Final = ("binance_url", "region_url", "rpc_url")
"""Where one of these is not set, that service is not asked."""
ADDRESS: Final = re.compile(r"(\b[a-z]+://)(?:[^\s/@]*@)?([^\s/?#'\"]+)[^\s'\"]*", re.IGNORECASE)
REHEARSAL_VENUE: Final = "rehearsal"
"""Said in place of a host's name where the venue is on this machine."""


class VenueKind(StrEnum):
    """Values are written into the storage's mark."""

    SANDBOX = "sandbox"
    PAPER = "paper"
    LIVE = "live"
    REHEARSAL = "rehearsal"

    @property
    def trades_real_money(self) -> bool:
        return self is VenueKind.LIVE


def kind_of(config: FleetConfig) -> VenueKind:
    match config.mode:
        case Mode.SANDBOX:
            return VenueKind.SANDBOX
        case Mode.PAPER:
            return VenueKind.PAPER
        case Mode.LIVE:
            here = not list(_elsewhere(config.venue))
            return VenueKind.REHEARSAL if here else VenueKind.LIVE
        case _:
            assert_never(config.mode)


def address_problem(config: FleetConfig) -> str | None:
    """Name the first address that does not belong to the fleet's kind; None where all do.

    A sandbox and a rehearsal speak to this machine only, a live fleet to no address on it.
    """
    elsewhere, here = list(_elsewhere(config.venue)), list(_here(config.venue))
    if config.mode is Mode.SANDBOX and elsewhere:
        field, url = elsewhere[0]
        return (
            "a sandbox fleet speaks to this machine only, and its "
            f"venue.{field} is {hosts_only(url)}: start it again with `midstride run`"
        )
    if config.mode is Mode.LIVE and elsewhere and here:
        (there, url), (field, _) = elsewhere[0], here[0]
        return (
            f"venue.{field} is on this machine and venue.{there} is {hosts_only(url)}: a live "
            "fleet has all addresses of the venue, a rehearsal none of them; correct [venue]"
        )
    return None


def venue_name(config: FleetConfig) -> str:
    """Name the venue for a person."""
    if kind_of(config) is VenueKind.LIVE:
        return urlsplit(config.venue.clob_url).hostname or config.venue.clob_url
    return REHEARSAL_VENUE


def _elsewhere(venue: Venue) -> Iterator[tuple[str, str]]:
    return ((field, url) for field, url in _urls(venue) if not on_this_machine(url))


def _here(venue: Venue) -> Iterator[tuple[str, str]]:
    return ((field, url) for field, url in _urls(venue) if on_this_machine(url))


def _urls(venue: Venue) -> Iterator[tuple[str, str]]:
    for field in venue.__struct_fields__:
        url = getattr(venue, field)
        if field.endswith("_url") and (url or field not in OPTIONAL):
            yield field, str(url)


def hosts_only(text: str) -> str:
    """Shorten each address in a text to its host: path, query and login may hold a token."""
    return ADDRESS.sub(r"\1\2", text)


def on_this_machine(url: str) -> bool:
    try:
        return urlsplit(url).hostname in LOOPBACK
    except ValueError:  # no address at all
        return False
