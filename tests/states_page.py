"""docs/states.md from the machines' own tables: `python -m tests.states_page` writes it."""

from collections.abc import Iterable
from pathlib import Path

from actors.gateway import order_life
from actors.slot import seat as slot_seat
from actors.supervisor import state as supervisor_state
from cluster import handoff_state, rollout_state

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
                "Slot",
                "One incarnation's own view (`actors/slot/seat.py`).",
                [(t.source, t.event, t.target, t.why) for t in slot_seat.TRANSITIONS],
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
                "The rollout's view of one slot (`cluster/handoff_state.py`).",
                ((source, targets) for source, targets in handoff_state.TRANSITIONS.items()),
            ),
            *_plain(
                "Rollout",
                "All slots to one release (`cluster/rollout_state.py`).",
                ((source, targets) for source, targets in rollout_state.TRANSITIONS.items()),
            ),
        ]
    )


def _with_reasons(name: str, about: str, moves: Reasons) -> list[str]:
    rows = [f"| {source} | {event} | {target} | {why} |" for source, event, target, why in moves]
    head = ["| from | event | to | when |", "|---|---|---|---|"]
    return [f"## {name}", "", about, "", *head, *rows, ""]


def _plain(name: str, about: str, moves: Iterable[tuple[str, Iterable[str]]]) -> list[str]:
    rows = [f"| {source} | {', '.join(sorted(targets)) or '(end)'} |" for source, targets in moves]
    return [f"## {name}", "", about, "", "| from | to |", "|---|---|", *rows, ""]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
