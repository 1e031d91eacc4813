"""Read the trading key. Its content never reaches a message, a log or a journal.

From a file, from an environment variable, or from a credential that systemd hands to a unit
(`LoadCredential=`): `private_key_file = "$CREDENTIALS_DIRECTORY/NAME"`.
"""

import os
import re
import stat
from pathlib import Path
from typing import Final

from actors.config import Venue

KEY_TEXT: Final = re.compile(r"(0x)?[0-9a-fA-F]{64}")
RELAYER_KEY_TEXT: Final = re.compile(r"[A-Za-z0-9_-]{8,200}")
REHEARSAL_RELAYER_KEY: Final = "sandbox-relayer-key"
GROUP_AND_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
IN_CREDENTIALS: Final = f"${CREDENTIALS}/"
KEY_BYTES_MAX: Final = 4_096
"""A key has 66 letters; a file that is larger is none."""


class PrivateKeyError(Exception):
    """The trading key cannot be used; the operator must mend what the message names."""


def load_private_key(venue: Venue) -> str:
    """Read the key from the configured file or environment variable, as 0x and 64 hex digits.

    Raises `PrivateKeyError` naming the configuration key at fault, never the content.
    """
    if venue.private_key_file is not None:
        where = f"venue.private_key_file = {venue.private_key_file!r}"
        text = _read_file(venue.private_key_file, where)
    elif venue.private_key_env is not None:
        where = f"venue.private_key_env = {venue.private_key_env!r}"
        found = os.environ.get(venue.private_key_env)
        if found is None:
            raise PrivateKeyError(f"{where}: this environment variable is not set")
        text = found
    else:
        raise PrivateKeyError("no trading key: set venue.private_key_file or venue.private_key_env")
    return _checked(text.strip(), where)


def _rehearsal_key(venue: Venue) -> Path | None:
    """Return where a rehearsal keeps its relayer key: beside the throw-away key that it made."""
    if venue.private_key_file is None or venue.private_key_file.startswith("$"):
        return None
    beside = Path(venue.private_key_file).with_name(REHEARSAL_RELAYER_KEY)
    return beside if beside.exists() else None


def load_relayer_key(venue: Venue) -> str | None:
    """Read the relayer's key from the configured file or environment variable; None: none is set.

    Raises `PrivateKeyError` naming the configuration key at fault, never the content.
    """
    if venue.relayer_key_file is not None:
        where = f"venue.relayer_key_file = {venue.relayer_key_file!r}"
        text = _read_file(venue.relayer_key_file, where).strip()
    elif venue.relayer_key_env is not None:
        where = f"venue.relayer_key_env = {venue.relayer_key_env!r}"
        found = os.environ.get(venue.relayer_key_env)
        if found is None:
            raise PrivateKeyError(f"{where}: this environment variable is not set")
        text = found.strip()
    else:
        beside = _rehearsal_key(venue)
        if beside is None:
            return None
        where, text = str(beside), _read_file(str(beside), str(beside)).strip()
    if not RELAYER_KEY_TEXT.fullmatch(text):
        raise PrivateKeyError(f"{where}: must hold one relayer key (letters, digits, - and _)")
    return text


def _read_file(named: str, where: str) -> str:
    path = _path_of(named, where)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            problem = _problem_of(os.fstat(descriptor), credential=named.startswith("$"))
            if problem is None:
                problem = _folder_problem(path.parent)
            if problem is not None:
                raise PrivateKeyError(f"{where}: {problem}")
            return stream.read(KEY_BYTES_MAX + 1).decode("ascii")
    except UnicodeDecodeError:
        raise PrivateKeyError(f"{where}: must hold 64 hex digits") from None
    except OSError as error:
        raise PrivateKeyError(f"{where}: cannot be read: {error.strerror}") from None


def _path_of(named: str, where: str) -> Path:
    """Return the file; one that begins with the variable lies in the unit's credentials."""
    if not named.startswith(IN_CREDENTIALS):
        return Path(named)
    folder = os.environ.get(CREDENTIALS, "")
    if not folder.startswith("/"):
        raise PrivateKeyError(
            f"{where}: {CREDENTIALS} is not set: systemd sets it for a unit with LoadCredential=; "
            "a command outside of that unit has to be started by `systemd-run` with the same"
        )
    return Path(folder) / named.removeprefix(IN_CREDENTIALS)


def _problem_of(found: os.stat_result, *, credential: bool) -> str | None:
    """Say what is wrong with the file that was opened."""
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISREG(found.st_mode):
        return "it is no plain file"
    if found.st_uid not in {os.geteuid(), 0}:
        return f"it belongs to uid {found.st_uid}, who can change it; chown it to yourself"
    # systemd lets the unit's user read a credential by an access list, which shows as group bits
    closed = stat.S_IRWXO | stat.S_IWGRP if credential else GROUP_AND_OTHERS
    if mode & closed:
        return f"mode is {mode:04o}, others may read it; run chmod 600"
    return None


def _folder_problem(folder: Path) -> str | None:
    """Say whether others could put another key in this one's place."""
    found = folder.stat()
    shared = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if shared and not found.st_mode & stat.S_ISVTX:
        return f"others may write in {folder} and replace it; run chmod go-w on that folder"
    return None


def _checked(text: str, where: str) -> str:
    if not KEY_TEXT.fullmatch(text):
        raise PrivateKeyError(f"{where}: must hold 64 hex digits, with or without 0x")
    text = text.lower().removeprefix("0x")
    if not 0 < int(text, 16) < SECP256K1_ORDER:
        raise PrivateKeyError(f"{where}: is not a key of the curve secp256k1")
    return f"0x{text}"


SECP256K1_ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
