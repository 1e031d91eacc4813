"""A release whose slots hang on command, each in its own way: a file per slot says how."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.rolling_update.fleet import Fleet
from tests.rolling_update.trees import copy_tree, edit

SIGNAL: Final = "signals/strategies/five_factor.py"
FIRST_LINE: Final = "    regime, history = read_regime(_history(memory), snapshot, params)\n"
HANGS: Final[dict[str, str]] = {
    "holds the interpreter lock": "__import__('re').match(r'(a+)+$', 'a' * 64 + 'b')",
    "leaves by sys.exit": "raise SystemExit",
    "is cancelled from inside": "raise __import__('asyncio').CancelledError",
    "dies at each decision": "__import__('os')._exit(1)",
    "never returns": "__import__('threading').Event().wait()",
    "raises": "raise RuntimeError('bad')",
}
STOPPED: Final = "is stopped (SIGSTOP)"
KILLED: Final = "is dead (SIGKILL)"


def hanging_tree(folder: Path, flags: Path) -> Path:
    """Copy the tree, with a strategy that does what the name of its asset's flag file says."""
    tree = copy_tree(folder)
    lines = "".join(
        f"    if __import__('os').path.exists(f'{flags}/{{snapshot.asset}}-{number}'):\n"
        f"        {line}  # noqa\n"
        for number, line in enumerate(HANGS.values())
    )
    edit(tree, SIGNAL, FIRST_LINE, lines + FIRST_LINE)
    return tree


def pid_of(fleet: Fleet, slot: str) -> int:
    return int(fleet.owner(slot).life.partition("-")[0])


def turn_bad(fleet: Fleet, flags: Path, slot: str, how: str) -> None:
    """Make the slot hang; for what a decision does, from its next decision on."""
    if how == STOPPED:
        os.kill(pid_of(fleet, slot), signal.SIGSTOP)
    elif how == KILLED:
        os.kill(pid_of(fleet, slot), signal.SIGKILL)
    else:
        (flags / f"{slot.partition('-')[0]}-{list(HANGS).index(how)}").touch()


def timed(act: Callable[[], tuple[int, str]]) -> tuple[float, int, str]:
    began = time.monotonic()
    code, output = act()
    return time.monotonic() - began, code, output
