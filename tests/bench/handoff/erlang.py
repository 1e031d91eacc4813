"""Erlang/OTP's own way, for scale: suspend, fsync'd checkpoint, code_change, resume."""

import shutil
import subprocess
import tempfile
from typing import Final

import msgspec

from tests.bench.frame import ROOT

SCRIPT: Final = ROOT / "tests" / "bench" / "erlang" / "handoff.escript"
SECONDS: Final = 120.0


class Erlang(msgspec.Struct, frozen=True, kw_only=True):
    dark_ms: tuple[float, ...]
    """Longest time between two answers, as a client in a tight loop saw it."""
    switches_ms: float


def erlang(records: int) -> Erlang | None:
    """Run the script; None where Erlang is not installed (Debian: erlang-base)."""
    escript = shutil.which("escript")
    if escript is None or shutil.which("erl") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [escript, str(SCRIPT), str(records), folder],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
    said = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line}
    return Erlang(
        dark_ms=tuple(int(text) / 1000 for text in said["dark_us"]),
        switches_ms=int(said["total_us"][0]) / 1000,
    )
