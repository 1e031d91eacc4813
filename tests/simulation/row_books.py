"""The slots' rows as a second reader keeps them: what was made, what is durable, what is void."""

from collections.abc import Mapping, Sequence

from actors.messages import FenceRecord
from actors.slot.state import SlotState
from checkpoints.journal_rows import JournalRow


class RowBooks:
    def __init__(self, fences: Mapping[str, list[FenceRecord]]) -> None:
        self._fences = fences
        self.made: dict[tuple[str, int], dict[int, SlotState]] = {}
        """State after each row, by (slot, sequence) and fence, durable or not."""
        self._begun: dict[str, dict[int, int]] = {}
        """First durable row of each fence, by slot."""
        self._last: dict[tuple[str, int], int] = {}

    def note_made(self, slot: str, sequence: int, fence: int, state: SlotState) -> None:
        self.made.setdefault((slot, sequence), {})[fence] = state

    def note_durable(self, rows: Sequence[JournalRow]) -> None:
        first = rows[0]
        begun = self._begun.setdefault(first.slot, {})
        begun[first.fence] = min(first.sequence, begun.get(first.fence, first.sequence))
        self._last[first.slot, first.fence] = rows[-1].sequence

    def last(self, owner: FenceRecord) -> int:
        """Return the last durable row that an owner wrote, 0 if none."""
        return self._last.get((owner.slot, owner.fence), 0)

    def state_before(self, slot: str, sequence: int, fence: int) -> SlotState | None:
        """Return the state that a row of this sequence and fence follows."""
        if sequence == 1:
            return SlotState(slot=slot)
        found = self.made.get((slot, sequence - 1), {})
        valid = [f for f in found if f <= fence and not self.void(slot, sequence - 1, f, fence)]
        return found[max(valid)] if valid else None

    def void(self, slot: str, sequence: int, row_fence: int, up_to: int) -> bool:
        """Tell whether the journal drops a row in the eyes of the owner of fence `up_to`.

        A fence counts from its first durable row on; the owner's own also by its record.
        """
        begun = self._begun.get(slot, {})
        own = next((r for r in self._fences.get(slot, ()) if r.fence == up_to), None)
        bounds = {fence: first - 1 for fence, first in begun.items() if fence <= up_to}
        if own is not None:
            bounds[up_to] = own.journal_sequence
        return any(row_fence < fence and last < sequence for fence, last in bounds.items())

    def overtaken(self, slot: str, sequence: int, row_fence: int) -> bool:
        """Tell whether the durable rows of a later fence make this one void."""
        begun = self._begun.get(slot, {})
        return any(row_fence < fence and first <= sequence for fence, first in begun.items())
