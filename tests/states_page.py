"""docs/states.md from the machines' own tables: `python -m tests.states_page` writes it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from actors.gateway import order_life
from actors.gateway.authority import machine as authority
from actors.machine.rows import Row, Table
from actors.market_data import turn as market_data_turn
from actors.rollout import handoff_state, rollout_state
from actors.rollout.replacement import machine as replacement
from actors.slot import seat as slot_seat
from actors.supervisor import state as supervisor_state
from actors.supervisor import turn_machine as supervisor_turn

PAGE = Path(__file__).parent.parent / "docs" / "states.md"
HEAD = """# States of the machines

Made from the tables that the machines themselves are checked against, by
`python -m tests.states_page`. A test compares this page with them, and each machine's property test
refuses a move that is not here.
"""
Moves = dict[str, set[str]]
Reasons = list[tuple[str, str, str, str]]


def page() -> str:
    """Write the whole page."""
    return "\n".join(
        [
            HEAD,
            *_with_reasons(
                slot_seat.PHASES.name,
                slot_seat.PHASES.about,
                [(t.source, t.event, t.target, t.why) for t in slot_seat.PHASES.moves],
            ),
            *_with_reasons(
                supervisor_state.PLACES.name,
                supervisor_state.PLACES.about,
                [(t.source, t.event, t.target, t.why) for t in supervisor_state.PLACES.moves],
            ),
            *_plain(
                "Order",
                "The gateway's view of one signed order (`actors/gateway/order_life.py`).",
                ((source, targets) for source, targets in order_life.TRANSITIONS.items()),
            ),
            *_plain(
                "Handoff of one slot",
                "The rollout's view of one slot (`actors/rollout/handoff_state.py`).",
                ((source, targets) for source, targets in handoff_state.TRANSITIONS.items()),
            ),
            *_plain(
                "Rollout",
                "All slots to one release (`actors/rollout/rollout_state.py`).",
                ((source, targets) for source, targets in rollout_state.TRANSITIONS.items()),
            ),
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


def _plain(name: str, about: str, moves: Iterable[tuple[str, Iterable[str]]]) -> list[str]:
    rows = [f"| {source} | {', '.join(sorted(targets)) or '(end)'} |" for source, targets in moves]
    return [f"## {name}", "", about, "", "| from | to |", "|---|---|", *rows, ""]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
