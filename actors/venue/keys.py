"""Read the trading key. Its content never reaches a message, a log or a journal."""

import os
import re
import stat
from pathlib import Path
from typing import Final

from actors.config import Venue
from checkpoints.small_file import read_file

KEY_TEXT: Final = re.compile(r"(0x)?[0-9a-fA-F]{64}")
GROUP_AND_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class PrivateKeyError(Exception):
    """The trading key cannot be used; the operator must mend what the message names."""


def load_private_key(venue: Venue) -> str:
    """Read the key from the configured file or environment variable, as 0x and 64 hex digits.

    Raises `PrivateKeyError` naming the configuration key at fault, never the content.
    """
    if venue.private_key_file is not None:
        where = f"venue.private_key_file = {venue.private_key_file!r}"
        text = _read_file(Path(venue.private_key_file), where)
    elif venue.private_key_env is not None:
        where = f"venue.private_key_env = {venue.private_key_env!r}"
        found = os.environ.get(venue.private_key_env)
        if found is None:
            raise PrivateKeyError(f"{where}: this environment variable is not set")
        text = found
    else:
        raise PrivateKeyError("no trading key: set venue.private_key_file or venue.private_key_env")
    return _checked(text.strip(), where)


def _read_file(path: Path, where: str) -> str:
    try:
        mode = path.stat().st_mode
        if mode & GROUP_AND_OTHERS:
            raise PrivateKeyError(
                f"{where}: mode is {stat.S_IMODE(mode):04o}, others may read it; run chmod 600"
            )
        return read_file(path).decode("ascii")
    except UnicodeDecodeError:
        raise PrivateKeyError(f"{where}: must hold 64 hex digits") from None
    except OSError as error:
        raise PrivateKeyError(f"{where}: cannot be read: {error.strerror}") from None


def _checked(text: str, where: str) -> str:
    if not KEY_TEXT.fullmatch(text):
        raise PrivateKeyError(f"{where}: must hold 64 hex digits, with or without 0x")
    text = text.lower().removeprefix("0x")
    if not 0 < int(text, 16) < SECP256K1_ORDER:
        raise PrivateKeyError(f"{where}: is not a key of the curve secp256k1")
    return f"0x{text}"


SECP256K1_ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
