"""docs/states.md from the machines' own tables: `python -m tests.states_page` writes it."""

from pathlib import Path
from typing import Any

from actors.gateway import order_life
from actors.gateway.authority import machine as authority
from actors.live import climb as live_climb
from actors.machine.moves import Moves
from actors.machine.rows import Row, Table
from actors.market_data import turn as market_data_turn
from actors.redemption import table as redemption
from actors.rollout import handoff_table, rollout_state
from actors.rollout.replacement import machine as replacement
from actors.slot import seat as slot_seat
from actors.supervisor import state as supervisor_state
from actors.supervisor import turn_machine as supervisor_turn

PAGE = Path(__file__).parent.parent / "docs" / "states.md"
HEAD = """# States of the machines

Made from the tables that run the machines, by `python -m tests.states_page`; a test compares. A
machine's own step refuses a move that is not here.
"""
MOVES: tuple[Moves[Any], ...] = (
    slot_seat.PHASES,
    supervisor_state.PLACES,
    order_life.STATES,
    handoff_table.STEPS,
    rollout_state.PHASES,
)
Reasons = list[tuple[str, str, str, str]]


def page() -> str:
    """Write the whole page."""
    return "\n".join(
        [
            HEAD,
            *(line for moves in MOVES for line in _of_moves(moves)),
            *_of_rows(
                "The gateway's authority",
                "One process on its way to the lock and away from it "
                "(`actors/gateway/authority/`).",
                authority.TABLE,
            ),
            *_of_rows(
                "Replacement of a shared actor",
                "The rollout's view of supervisor, market data or gateway "
                "(`actors/rollout/replacement/`).",
                replacement.TABLE,
            ),
            *_of_rows(
                "The supervisor's turn",
                "Which supervisor watches (`actors/supervisor/turn_machine.py`).",
                supervisor_turn.TABLE,
            ),
            *_of_rows(
                "Market data's turn",
                "Which market data actor callers find (`actors/market_data/turn.py`).",
                market_data_turn.TABLE,
            ),
            *_of_rows(
                "The climb",
                "The proofs at the venue before a live fleet's slots trade "
                "(`actors/live/climb.py`).",
                live_climb.TABLE,
            ),
            *_of_rows(
                "A claim",
                "Winnings of one market on their way to cash (`actors/redemption/table.py`).",
                redemption.TABLE,
            ),
        ]
    )


def _with_reasons(name: str, about: str, moves: Reasons) -> list[str]:
    rows = [f"| {source} | {event} | {target} | {why} |" for source, event, target, why in moves]
    head = ["| from | event | to | when |", "|---|---|---|---|"]
    return [f"## {name}", "", about, "", *head, *rows, ""]


def _of_rows(name: str, about: str, table: Table[Any, Any]) -> list[str]:
    """Write the rows that run a machine; sources with the same move share a line."""
    lines: dict[tuple[str, str, str], list[str]] = {}
    for each in table:
        target = "(stays)" if each.target is None else str(each.target)
        lines.setdefault((each.event.__name__, target, _why(each)), []).append(str(each.source))
    moves = [
        (", ".join(sources), event, target, why) for (event, target, why), sources in lines.items()
    ]
    return _with_reasons(name, f"{about} These rows run the machine.", moves)


def _why(each: Row[Any, Any]) -> str:
    condition = "" if each.when is None else f"if {each.when.__name__.replace('_', ' ')}: "
    return f"{condition}{each.why}"


def _of_moves(moves: Moves[Any]) -> list[str]:
    """Write moves with their events and reasons, or where each state leads."""
    if all(move.event for move in moves.moves):
        reasons = [(move.source, move.event, move.target, move.why) for move in moves.moves]
        return _with_reasons(moves.name, moves.about, reasons)
    states = list(type(moves.moves[0].source))
    targets = [(state, ", ".join(sorted(moves.targets(state)))) for state in states]
    rows = [f"| {state} | {leads_to or '(end)'} |" for state, leads_to in targets]
    return [f"## {moves.name}", "", moves.about, "", "| from | to |", "|---|---|", *rows, ""]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
