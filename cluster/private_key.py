"""A throw-away trading key for the sandbox, made once and readable by its owner only."""

import os
import secrets
from pathlib import Path

KEY_BYTES = 32


def ensure_sandbox_key(file: Path) -> None:
    """Create the key file with mode 0600 if there is none. Never for paper or live."""
    if file.exists():
        return
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(f"0x{secrets.token_hex(KEY_BYTES)}\n")
