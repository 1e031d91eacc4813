"""What must hold at every moment: looked at wherever something becomes durable, moves or leaves.

Records of the gateway's log are folded a second time here, rows of the slots' journals a second
time too; nothing is taken from a machine's own word.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from actors.gateway.fold import apply
from actors.gateway.ledger import Ledger
from actors.gateway.records import (
    Acknowledged,
    Base,
    FenceMoved,
    IncarnationIssued,
    IntentKept,
    OrderWritten,
    Published,
    Record,
    decode_record,
)
from actors.messages import FenceRecord, Intent, IntentRefused, OrderEnded
from actors.slot.events import AppendEntries
from actors.slot.facts import DecisionFact, apply_entry
from actors.slot.rows import entry_of
from actors.slot.seat import PHASES, Phase, Seat
from actors.slot.state import SlotState
from actors.venue.port import SignedOrder
from checkpoints.journal_rows import JournalRow
from tests.simulation.disk import SimulatedLog, records_of
from tests.simulation.row_books import RowBooks

if TYPE_CHECKING:
    from tests.simulation.gateway_actor import GatewayActor
    from tests.simulation.slot_actor import SlotActor
    from tests.simulation.world import World

MOVES: Final = {(move.source, move.target) for move in PHASES.moves}
VIOLATIONS_MAX: Final = 5


class Monitor:
    """Keeps its own books of one world and says what does not hold."""

    def __init__(self, world: "World") -> None:
        self._world = world
        world.exchange.on_post = self._posted
        self.violations: list[str] = []
        self.on_kept: Callable[[int], None] = lambda _: None
        self.due = 0
        self.missed = 0
        """Decision points that a declared fault cost."""
        self.ledger = Ledger()
        self.fences: dict[str, list[FenceRecord]] = {}
        self.kept: dict[str, Intent] = {}
        self.ended: dict[str, str] = {}
        """Intent id to its order's id, or to ``refused``."""
        self.refused_before: set[str] = set()
        """Refused for a former owner, whose row is void, before the decision was made anew."""
        self.orders: dict[str, OrderWritten] = {}
        self.rows = RowBooks(self.fences)
        self.memories: dict[str, list[tuple[int, int, Any]]] = {}
        """By slot: sequence of a decision's row, fence, memory after it."""
        self.journaled: dict[str, Intent] = {}
        self.vacancies: dict[tuple[str, int], str] = {}
        """Slot and incarnation to the release that may fill it."""
        self.durable_outbox: dict[str, int] = {}
        self._records = 0

    def blame(self, what: str) -> None:
        if len(self.violations) < VIOLATIONS_MAX:
            self.violations.append(f"at {self._world.loop.now_s:.3f} s: {what}")

    def fence(self, slot: str) -> FenceRecord | None:
        records = self.fences.get(slot)
        return records[-1] if records else None

    def vacancies_of(self, slot: str) -> set[str]:
        return {release for (name, _), release in self.vacancies.items() if name == slot}

    # ---- the gateway's log --------------------------------------------------------------------

    def watched(self, log: SimulatedLog, gateway: "GatewayActor") -> SimulatedLog:
        log.on_append = lambda records: self._appended(gateway, records)
        log.on_rotate = self._rotated
        return log

    def _appended(self, gateway: "GatewayActor", records: list[bytes]) -> None:
        self._world.succession.gateway_acts(gateway, "writes to the log")
        for data in records:
            self._durable(decode_record(data))
        self._records += len(records)
        serving = gateway.serving
        if serving is not None and serving.state.ledger != self.ledger:
            self.blame("the log does not fold to the gateway's live state")

    def _rotated(self, base: bytes) -> None:
        record = decode_record(base)
        if not isinstance(record, Base) or record.ledger != self.ledger:
            self.blame("a base record is not what the records before it fold to")
        self._records = 0

    def gateway_recovered(self, gateway: "GatewayActor", ledger: Ledger) -> None:
        """Take in what a crash left durable without an acknowledgement; compare the rest."""
        del gateway
        base, records = records_of(self._world.log_files)
        del base
        if len(records) < self._records:
            self.blame(f"{self._records - len(records)} acknowledged records are gone")
        for data in records[self._records :]:
            self._durable(decode_record(data))
        self._records = len(records)
        if ledger != self.ledger:
            self.blame("the gateway recovered something else than what was durable")

    def _durable(self, record: Record) -> None:  # noqa: C901 one case per record
        match record:
            case IncarnationIssued(slot=slot, incarnation=number):
                if record.vacant:
                    self.vacancies[slot, number] = record.release
                seat = self.ledger.seats.get(slot)
                if seat is not None and number <= seat.last_incarnation:
                    self.blame(f"{slot}: incarnation {number} was issued before")
            case FenceMoved(record=moved):
                self._fence_moved(moved)
            case IntentKept(intent=intent):
                self._intent_kept(intent)
            case OrderWritten():
                self._order_written(record)
            case Published(slot=slot, event=IntentRefused(intent_id=name)):
                self._ends(name, "refused")
            case Published(event=OrderEnded(order_id=name)) if name in self._world.exchange.open:
                self.blame(f"{name}: ended here, still open at the venue")
            case Acknowledged(slot=slot, sequence=sequence):
                if sequence > self.durable_outbox.get(slot, 0):
                    self.blame(f"{slot}: outbox acknowledged to {sequence}, not durable there")
            case _:
                pass
        try:
            self.ledger = apply(self.ledger, record)
        except (AssertionError, KeyError) as error:
            self.blame(f"a record that does not fold: {type(error).__name__} {error}")

    def _fence_moved(self, moved: FenceRecord) -> None:
        before = self.fence(moved.slot)
        if before is not None and moved.fence <= before.fence:
            self.blame(f"{moved.slot}: fence {moved.fence} after {before.fence}")
        heir = before is not None and moved.incarnation == before.incarnation
        vacancy = (moved.slot, moved.incarnation) in self.vacancies
        if moved.handoff is None and not heir and not vacancy:
            self.blame(f"{moved.slot}: {moved.incarnation} claimed without a vacancy")
        switch = moved.handoff is not None and not moved.handoff.endswith("-back")
        if switch and before is not None and self.rows.last(before) > moved.journal_sequence:
            self.blame(f"{moved.slot}: fence {moved.fence} voids rows of an owner that let go")
        if moved.release not in self._world.releases:
            self.blame(f"{moved.slot}: fence {moved.fence} for an unattested digest")
        self.fences.setdefault(moved.slot, []).append(moved)

    def _intent_kept(self, intent: Intent) -> None:
        name, owner = intent.intent_id, self.fence(intent.slot)
        if name in self.kept:
            self.blame(f"{name}: kept twice")
        if owner is None or (intent.fence, intent.incarnation) != (owner.fence, owner.incarnation):
            self.blame(f"{name}: an intent of fence {intent.fence} was taken; owner {owner}")
        wanted = self.journaled.get(name)
        if wanted is None:
            self.blame(f"{name}: taken before its decision row was durable")
        elif replace(intent, fence=wanted.fence, incarnation=wanted.incarnation) != wanted:
            self.blame(f"{name}: other content than its decision row")
        if intent.release not in self._world.releases:
            self.blame(f"{name}: of an unattested digest")
        self.kept[name] = intent
        self.on_kept(len(self.kept))

    def _order_written(self, record: OrderWritten) -> None:
        order_id = record.event.order_id
        self._ends(record.event.intent_id, order_id)
        if order_id in self.orders:
            self.blame(f"{order_id}: written twice")
        self.orders[order_id] = record

    def _ends(self, name: str, end: str) -> None:
        if name not in self.kept:
            self.blame(f"{name}: {end} without having been kept")
        if name in self.ended:
            self.blame(f"{name}: ends twice: {self.ended[name]} and {end}")
        self.ended[name] = end

    def _posted(self, signed: SignedOrder) -> None:
        written = self.orders.get(signed.order_id)
        if written is None or written.body != signed.body:
            self.blame(f"{signed.order_id}: at the venue before its bytes were durable")

    # ---- the slots' journals ------------------------------------------------------------------

    def rows_made(self, slot: str, effect: AppendEntries, memory: Any) -> None:
        """Fold each new row upon the state that the journal has before it.

        `memory` is the strategy's after the step that made them.
        """
        for entry, state in zip(effect.entries, effect.states, strict=True):
            before = self.rows.state_before(slot, entry.sequence, entry.fence)
            if before is None or apply_entry(before, entry) != state:
                self.blame(
                    f"{slot}: row {entry.sequence}/{entry.fence} does not follow its journal"
                )
            self.rows.note_made(slot, entry.sequence, entry.fence, state)
            if isinstance(entry.fact, DecisionFact):
                names = {intent.intent_id for intent in entry.fact.intents}
                self.refused_before |= {n for n in names if self.ended.get(n) == "refused"}
                kept = entry.sequence, entry.fence, memory
                self.memories.setdefault(slot, []).append(kept)

    def rows_durable(self, rows: list[JournalRow]) -> None:
        self.rows.note_durable(rows)
        for row in rows:
            state = self.rows.made[(row.slot, row.sequence)][row.fence]
            known = self.durable_outbox.get(row.slot, 0)
            self.durable_outbox[row.slot] = max(known, state.outbox_sequence)
            fact = entry_of(row).fact
            owner = self.fence(row.slot)
            void = owner and self.rows.void(row.slot, row.sequence, row.fence, owner.fence)
            if isinstance(fact, DecisionFact) and not void:
                self.journaled.update({i.intent_id: i for i in fact.intents})

    def slot_recovered(self, slot: str, state: SlotState, memory: Any) -> None:
        made = self.rows.made.get((slot, state.journal_sequence), {}).get(state.fence)
        if state.journal_sequence and made != state:
            self.blame(f"{slot}: recovered {state.journal_sequence}/{state.fence} is not what was")
        if self.rows.overtaken(slot, state.journal_sequence, state.fence):
            self.blame(f"{slot}: recovered void rows, {state.journal_sequence}/{state.fence}")
        self._same_memory(slot, state.journal_sequence, state.fence, memory)

    def _same_memory(self, slot: str, sequence: int, fence: int, memory: Any) -> None:
        """Compare with the memory after the last decision that the owner of this fence can read.

        A later owner's rows are not its own: it may learn of its claim only after them.
        """
        known = [
            kept
            for at, row_fence, kept in self.memories.get(slot, ())
            if at <= sequence
            and row_fence <= fence
            and not self.rows.void(slot, at, row_fence, fence)
        ]
        if known and msgspec.to_builtins(known[-1]) != msgspec.to_builtins(memory):
            self.blame(f"{slot}: memory at {sequence} is {memory}, was {known[-1]}")

    # ---- seats --------------------------------------------------------------------------------

    def seat_moved(self, actor: "SlotActor", before: Seat, after: Seat) -> None:
        if before.phase is not after.phase:
            if (before.phase, after.phase) not in MOVES:
                self.blame(f"{actor.name}: {before.phase} -> {after.phase} is not in the table")
            if after.phase is Phase.ACTIVE:
                self._activated(actor, before, after)
        if after.phase is Phase.ACTIVE:
            self._one_owner(actor, after)

    def _activated(self, actor: "SlotActor", before: Seat, after: Seat) -> None:
        if after.fence == before.fence and before.phase is Phase.QUIESCING:
            return  # it never let go
        claimed = after.record
        if before.phase in (Phase.QUIESCED, Phase.RESUMING) and after.fence <= before.fence:
            self.blame(f"{actor.name}: acts again with fence {after.fence}, without a claim")
        if claimed is None or claimed not in self.fences.get(actor.slot, ()):
            self.blame(f"{actor.name}: owns the slot by {claimed}, which is not durable")
            return
        self._same_memory(actor.slot, claimed.journal_sequence, claimed.fence, after.memory)

    def _one_owner(self, actor: "SlotActor", seat: Seat) -> None:
        owner = self.fence(actor.slot)
        if owner is None or seat.fence > owner.fence:
            self.blame(f"{actor.name}: acts with fence {seat.fence}, the gateway says {owner}")
        elif seat.fence == owner.fence and (owner.incarnation, owner.life) != (
            seat.who.incarnation,
            seat.who.life,
        ):
            self.blame(f"{actor.name}: acts with the fence of {owner.incarnation}, {owner.life}")
