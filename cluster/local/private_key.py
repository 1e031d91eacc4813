"""A throw-away trading key for the sandbox, made once and readable by its owner only."""

import secrets
from pathlib import Path

from cluster.errors import ClusterError
from cluster.local.durable_files import write_durably

KEY_BYTES = 32


def ensure_sandbox_key(file: Path, *, used: bool) -> None:
    """Create the key file with mode 0600 if there is none. Never for paper or live.

    `used`: orders were signed with it; then one that a power cut emptied cannot be replaced, for
    another key is another account. Raises `ClusterError` saying so.
    """
    if file.exists() and file.stat().st_size:
        return
    if file.exists() and used:
        raise ClusterError(
            f"{file} is empty, and the exchange knows the account of the key that was in it: put "
            "the key back, or begin anew with `midstride run --fresh`"
        )
    write_durably(file, f"0x{secrets.token_hex(KEY_BYTES)}\n".encode())
