"""A whole storage as a fleet leaves it: stories of two slots, with all that others know of them.

Checkpoints after each decision, the gateway's log, the configuration and the archive: what an audit
compares a journal with.
"""

from pathlib import Path

import msgspec

from actors.config import FleetConfig, Mode, SlotConfig, Venue
from actors.gateway.lock import CURRENT_FILE, Current
from actors.gateway.records import (
    Acknowledged,
    FenceMoved,
    GenerationTaken,
    IncarnationIssued,
    IntentKept,
    OrderWritten,
    Published,
    Record,
    encode_record,
)
from actors.messages import OrderSigned
from actors.runtime import CONFIG_FILE
from actors.slot.facts import ClaimFact, DecisionFact, Entry, OrderFact
from actors.slot.rows import entry_of
from checkpoints.checkpoint_store import CheckpointStore
from checkpoints.codec import CheckpointMeta
from checkpoints.log import RecordLog
from checkpoints.record_set import logical_hash_of
from checkpoints.records import records_of
from checkpoints.storage import LocalStorage
from checkpoints.upgrades import MEMORY_PREFIX
from signals.market import Outcome
from signals.market_time import MarketClock
from signals.params import params_id
from tests.cluster.audit.builders import EAGER, OFFSET_MS, Story, archive_tree

SLOTS = ("btc-5m", "eth-5m")
VENUE_FIELDS = (
    "clob_url", "gamma_url", "data_url", "relayer_url", "market_ws_url", "user_ws_url",
    "prices_ws_url", "binance_url",
)  # fmt: skip


class CheckpointedStory(Story):
    """Takes a checkpoint after each decision, as a slot does."""

    taken = 0
    """Sequence of the last one."""

    def __init__(self, storage: LocalStorage, release: str, slot: str) -> None:
        self.acknowledged: dict[int, int] = {}
        """Sequence of a checkpoint -> outbox events that the gateway may forget from then on."""
        super().__init__(storage, release, slot)
        self.gateway_release, self.maker = release, release

    def trade(self, winner: Outcome) -> DecisionFact:  # type: ignore[override]
        fact = super().trade(winner)
        self.checkpoint()
        return fact

    def decide(self, **about: object) -> DecisionFact:
        fact = super().decide(**about)
        self.checkpoint()
        return fact

    def checkpoint(self) -> None:
        records = {**records_of(self.state), **records_of(self.memory, MEMORY_PREFIX)}
        meta = CheckpointMeta(
            schema_version=1,
            slot=str(self.slot),
            release=self.who.attestation.release,
            commit="c0ffee",
            params=params_id(self.params),
            incarnation=self.fence,
            fence=self.fence,
            sequence=self.state.journal_sequence,
            outbox_sequence=self.outbox,
            time_ms=self.now_ms,
            logical_hash=logical_hash_of(records),
            strategy="five_factor",
            memory_version=1,
            previous_sequence=self.taken or None,
        )
        CheckpointStore(self.storage).save(str(self.slot), meta, records)
        self.taken = self.state.journal_sequence
        self.acknowledged[self.taken] = self.outbox


def make_record(root: Path, trades: int = 7) -> Path:
    """Two slots that decide at the same points, trade and settle; return the storage folder."""
    storage = LocalStorage(root)
    release = archive_tree(storage)
    stories = []
    for slot in SLOTS:
        story = CheckpointedStory(storage, release, slot)
        for place in range(trades):
            story.trade(Outcome.UP if place % 2 else Outcome.DOWN)
        stories.append(story)
    last_ms = max(story.due_ms for story in stories)
    for story in stories:
        while story.due_ms < last_ms:
            story.decide()
    config = make_config(root)
    assert config.timing.decision_offsets_ms == (OFFSET_MS,)
    storage.write(CONFIG_FILE, msgspec.json.encode(config))
    write_log(storage, stories)
    return root


def make_config(root: Path) -> FleetConfig:
    return FleetConfig(
        mode=Mode.SANDBOX,
        storage=str(root),
        clock=MarketClock(speed=1),
        venue=Venue(**dict.fromkeys(VENUE_FIELDS, "http://127.0.0.1:1")),
        slots=tuple(SlotConfig(slot=slot) for slot in SLOTS),
        params=EAGER,
    )


def write_log(storage: LocalStorage, stories: list[CheckpointedStory]) -> None:
    """Write what the gateway had to say before the slots could write these rows."""
    log, _, _ = RecordLog.open(storage.root / "gateway" / "log")
    started = GenerationTaken(generation=1, name="gateway/1", life="1-1", wire_ms=1)
    log.append([encode_record(started)])
    acknowledged = {str(story.slot): story.acknowledged for story in stories}
    for entry, slot in _entries(stories):
        records = _records(entry, slot)
        if entry.sequence in acknowledged[slot]:
            known = acknowledged[slot][entry.sequence]
            records = [*records, Acknowledged(slot=slot, sequence=known)]
        if records:
            log.append([encode_record(record) for record in records])
    log.close()
    storage.write(CURRENT_FILE, msgspec.json.encode(Current(name="gateway/1", generation=1)))


def _entries(stories: list[CheckpointedStory]) -> list[tuple[Entry, str]]:
    found = [(entry_of(row), row.slot) for story in stories for row in story.rows]
    return sorted(found, key=lambda one: (one[0].wire_ms, one[1], one[0].sequence))


def _records(entry: Entry, slot: str) -> list[Record]:
    fact, wire_ms = entry.fact, entry.wire_ms
    match fact:
        case ClaimFact(record=record):
            issued = IncarnationIssued(
                slot=slot,
                incarnation=record.incarnation,
                release=record.release,
                vacant=True,
                reason="start",
                handoff=None,
                wire_ms=wire_ms,
            )
            return [issued, FenceMoved(record=record)]
        case DecisionFact(intents=intents):
            return [
                IntentKept(intent=intent, wire_ms=wire_ms, market_ms=entry.market_ms)
                for intent in intents
            ]
        case OrderFact(event=OrderSigned() as event):
            written = OrderWritten(
                slot=slot, event=event, token_id="1", body=b"", signed_wire_ms=wire_ms
            )
            return [written]
        case OrderFact(event=event):
            return [Published(slot=slot, event=event, wire_ms=wire_ms)]
        case _:
            return []
