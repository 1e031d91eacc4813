"""What a slot's process loads: Ray puts the modules of every actor that it calls into it."""

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
CALLED: Final = ("actors.slot.actor", "actors.gateway.actor", "actors.market_data.actor")
"""Its own, and those whose handles it holds."""
HEAVY: Final = (
    "polymarket",
    "eth_account",
    "httpx",
    "websockets",
    "rich",
    "click",
    "scipy",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "cryptography",
)


def test_a_slot_loads_neither_sdk_nor_network_clients_nor_datasets() -> None:
    text = (
        "import sys, ray\n"
        "before = set(sys.modules)\n"
        f"import {', '.join(CALLED)}\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    said = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(CALLED) <= set(said)
    loaded = {name for name in said for heavy in HEAVY if f"{name}.".startswith(f"{heavy}.")}
    assert sorted(loaded) == []
