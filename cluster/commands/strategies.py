"""`strategies list|new`: the signals of this tree, and a file to begin one from."""

import ast
from pathlib import Path
from typing import Final

import click
import msgspec

import signals
from actors.runtime import load_config
from checkpoints.errors import DamagedError
from cluster.errors import ClusterError
from cluster.terminal.console import emit, json_option, notify, show_text, state_of, state_option
from cluster.terminal.counting import counted
from signals.strategy import NAME, StrategyError, load_strategy, strategy_names

FOLDER: Final = Path(signals.__file__).parent / "strategies"
TEMPLATE: Final = '''"""{title}."""

import msgspec

from signals.book_price import market_mid_up
from signals.decision import Action, Decision, Position
from signals.market import Timeframe
from signals.params import Params
from signals.snapshot import Snapshot

MEMORY_VERSION = 1


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What one slot remembers between two decisions; every field needs a default."""

    decisions: int = 0


def decide(
    snapshot: Snapshot, timeframe: Timeframe, position: Position, memory: Memory, params: Params
) -> tuple[Decision, Memory]:
    """Follow the market's own price and never trade: replace this by your rule."""
    del position, params
    memory = Memory(decisions=memory.decisions + 1)
    market = snapshot.market(timeframe)
    mid = None if market is None else market_mid_up(market)
    if mid is None:
        return Decision(action=Action.NO_TRADE, reason="no_data: no market or no price"), memory
    decision = Decision(
        action=Action.NO_TRADE, reason="edge: no rule yet", probability_up=min(max(mid, 0.01), 0.99)
    )
    return decision, memory
'''


class StrategyRow(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    summary: str
    """First line of its docstring, or why it cannot be used."""
    usable: bool
    memory_version: int | None
    slots: tuple[str, ...]
    """Slots of the started fleet's configuration that name it."""


@click.group("strategies")
def command() -> None:
    """List the strategies, or begin a new one."""


@command.command("list")
@state_option
@json_option
def list_command(state: str | None, as_json: bool) -> None:  # noqa: FBT001 click passes flags by name
    """Show each strategy with its description and the slots that use it."""
    used = _used(state_of(state).storage)
    rows = [_row(name, used.get(name, ())) for name in strategy_names()]
    if as_json:
        emit(rows, "strategies")
        return
    for row in rows:
        count = counted(len(row.slots), "slot") if row.slots else "no slot"
        show_text(f"{row.name:<20} {count:<10} {row.summary}")


@command.command("new")
@click.argument("name")
def new_command(name: str) -> None:
    """Write signals/strategies/NAME.py: a strategy that decides and never trades."""
    if not NAME.fullmatch(name):
        raise ClusterError(
            f"{name!r} cannot name a strategy: begin with a lower case letter, then use lower case "
            "letters, digits and _"
        )
    file = FOLDER / f"{name}.py"
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(
                TEMPLATE.format(
                    title=f"{name.replace('_', ' ').capitalize()}: say here "
                    "in one line what it does"
                )
            )
    except FileExistsError:
        raise ClusterError(f"{file} exists already; choose another name") from None
    except OSError as error:
        raise ClusterError(
            f"{file} cannot be written ({error.strerror}): name another file"
        ) from error
    notify(f"wrote {file}; try it with `midstride try --signal {name}`")


def _used(storage: Path) -> dict[str, tuple[str, ...]]:
    try:
        config = load_config(str(storage))
    except (FileNotFoundError, DamagedError):
        return {}
    names = {slot.strategy for slot in config.slots}
    return {
        name: tuple(slot.slot for slot in config.slots if slot.strategy == name) for name in names
    }


def _row(name: str, slots: tuple[str, ...]) -> StrategyRow:
    try:
        strategy = load_strategy(name)
    except StrategyError as error:
        return StrategyRow(
            name=name, summary=str(error), usable=False, memory_version=None, slots=slots
        )
    return StrategyRow(
        name=name,
        summary=_summary(FOLDER / f"{name}.py"),
        usable=True,
        memory_version=strategy.MEMORY_VERSION,
        slots=slots,
    )


def _summary(file: Path) -> str:
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "no description"
    return text.splitlines()[0]
