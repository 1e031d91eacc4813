"""A throw-away trading key for simulated money, made once and readable by its owner only."""

from pathlib import Path

from actors.venue.key_kinds import new_throw_away_key
from cluster.errors import ClusterError
from cluster.local.durable_files import write_durably


def ensure_sandbox_key(file: Path, *, used: bool) -> None:
    """Create the key file with mode 0600 if there is none; where the venue is simulated here.

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
    write_durably(file, f"{new_throw_away_key()}\n".encode())
