"""Throw-away keys tell themselves: a key with money is never used by a sandbox, nor the other way.

A key that is generated here for simulated money begins with fixed digits, so that it is known
wherever it is copied to.
"""

import secrets
from pathlib import Path
from typing import Final

from actors.config import FleetConfig
from actors.venue.kinds import VenueKind, kind_of

THROW_AWAY: Final = b"sandbox".hex()
"""First digits of a key that is worth nothing; the 200 bits after it are random."""
KEY_BYTES: Final = 32
OWN_FILE: Final = "sandbox-private-key"
"""Beside the storage: a sandbox's own key. Those that older releases made have no such digits."""


def new_throw_away_key() -> str:
    random = secrets.token_hex(KEY_BYTES - len(THROW_AWAY) // 2)
    return f"0x{THROW_AWAY}{random}"


def is_throw_away(key: str) -> bool:
    return key.removeprefix("0x").startswith(THROW_AWAY)


def key_problem(config: FleetConfig, key: str) -> str | None:
    """Say why a fleet of this kind does not use this key; the message never holds it."""
    kind, worthless = kind_of(config), is_throw_away(key)
    match kind:
        case VenueKind.LIVE if worthless:
            return (
                "the trading key is a throw-away key of a simulated exchange: name the key of your "
                "wallet with venue.private_key_file"
            )
        case VenueKind.REHEARSAL if not worthless:
            return (
                "a rehearsal uses a throw-away key that it makes itself: remove the real key, "
                "`midstride run --mode live --stand-ins` makes another one"
            )
        case VenueKind.SANDBOX if not worthless and not _is_own(config):
            return (
                "a sandbox uses a throw-away key that it makes itself, and this one may have "
                "money: remove venue.private_key_file and venue.private_key_env"
            )
        case _:
            return None


def _is_own(config: FleetConfig) -> bool:
    named = config.venue.private_key_file
    return named is not None and Path(named) == Path(config.storage).parent / OWN_FILE
