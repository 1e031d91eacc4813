"""A storage as a fleet leaves it, written by the real writers: journal, snapshots, archives.

One `Story` is one slot's life: it claims, decides with the shipped strategy on generated snapshots,
is filled and settled by the test, and may go on under another release.
"""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import msgspec

from actors.messages import (
    Attestation,
    FenceRecord,
    FillConfirmed,
    Filled,
    OrderEnd,
    OrderEnded,
    OrderOpened,
    OrderSigned,
    Settled,
)
from actors.slot.answer import Occasion, Sender, intents_of, position_in
from actors.slot.events import RunStrategy
from actors.slot.facts import ClaimFact, DecisionFact, Entry, Fact, OrderFact, apply_entry
from actors.slot.rows import row_of
from actors.slot.seat import Identity
from actors.slot.start import store_params
from actors.slot.state import SlotState
from actors.slot.strategy import StrategyRunner
from checkpoints.archive import archive_release
from checkpoints.journal import Journal
from checkpoints.journal_rows import JournalRow
from checkpoints.record_set import RecordSet
from checkpoints.snapshots import SnapshotStore, decode_snapshot, encode_snapshot
from checkpoints.storage import LocalStorage
from signals.market import Outcome, Slot, Window
from signals.params import Params, override, params_id
from signals.snapshot import Snapshot
from signals.strategy import load_strategy
from signals.units import MicroShares, MicroUsd, PriceMicroUsd
from tests.signals.builders import make_snapshot

ROOT = Path(__file__).resolve().parents[3]
OPEN_MS = 1_767_225_600_000
"""2026-01-01 00:00 UTC."""
CYCLE_MS = 300_000
OFFSET_MS = 20_000
DAY = "2026-01-01"
WAIT_MAX = 20
RELEASE_FILES = ("signals", "checkpoints", "actors", "cluster", "requirements.lock")
GATEWAY, MARKET_DATA = "9a" * 32, "3d" * 32
"""Releases of the shared actors: they roll on their own."""
EAGER = override(
    Params(),
    {
        "points.mode": "blend",
        "blend.factors": 4.0,
        "edge.rest_min": 0.0,
        "edge.take_min": 0.9,
        "sizing.kelly_fraction": 1.0,
    },
)
"""Parameters that trade on nearly everything: a test wants trades, not money."""


def archive_tree(storage: LocalStorage, commit: str = "c0ffee") -> str:
    """Archive the code under test; return its release id."""
    return archive_release(storage, ROOT, commit).release


def archive_changed(
    storage: LocalStorage, folder: Path, changes: dict[str, tuple[str, str]], commit: str = "beef"
) -> str:
    """Archive a copy of the tree with texts replaced: file -> (old, new)."""
    copy_tree(folder)
    for name, (old, new) in changes.items():
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))
    return archive_release(storage, folder, commit).release


def copy_tree(folder: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in RELEASE_FILES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)


class Story:
    """One slot, row by row."""

    def __init__(
        self,
        storage: LocalStorage,
        release: str,
        slot: str = "btc-5m",
        params: Params = EAGER,
        commit: str = "c0ffee",
    ) -> None:
        self.gateway_release, self.maker = GATEWAY, MARKET_DATA
        self.storage = storage
        self.slot = Slot.parse(slot)
        self.params = params
        self.state = SlotState(slot=slot)
        self.outbox = 0
        self.fence = 0
        self.strategy = load_strategy("five_factor")
        self.memory: msgspec.Struct = self.strategy.Memory()
        self.rows: list[JournalRow] = []
        self.due_ms = OPEN_MS + OFFSET_MS - CYCLE_MS
        self.now_ms = OPEN_MS
        store_params(storage, params)
        self.claim(release, commit)

    def claim(self, release: str, commit: str = "c0ffee") -> None:
        """Let another life, or another release, own the slot from here on."""
        self.fence += 1
        self.who = Identity(
            slot=str(self.slot),
            incarnation=self.fence,
            life=f"{self.fence}-1",
            attestation=_attestation(release, commit),
        )
        self.runner = StrategyRunner(self.strategy, self.slot.timeframe, RecordSet())
        record = FenceRecord(
            slot=str(self.slot),
            fence=self.fence,
            incarnation=self.fence,
            life=self.who.life,
            release=release,
            commit=commit,
            params=params_id(self.params),
            journal_sequence=self.state.journal_sequence,
            outbox_sequence=self.outbox,
        )
        self._write(ClaimFact(record=record, cause="start"), self.now_ms)

    def decide(self, **about: Any) -> DecisionFact:
        """Decide at the next decision point; `about` goes to `make_snapshot`."""
        self.due_ms += CYCLE_MS
        seed = self.due_ms // CYCLE_MS % 1_000
        snapshot = make_snapshot(
            asset=self.slot.asset, due_ms=self.due_ms, **{"seed": seed, **about}
        )
        digest, data = SnapshotStore(self.storage).put(
            self.slot.asset, self.due_ms, encode_snapshot(snapshot, self.maker)
        )
        fact = self._decide(decode_snapshot(data), digest)
        self._write(fact, self.due_ms + 1_000)
        return fact

    def _decide(self, snapshot: Snapshot, digest: str) -> DecisionFact:
        market = snapshot.market(self.slot.timeframe)
        assert market is not None
        position = position_in(self.state, market, MicroUsd(100_000_000))
        run = RunStrategy(
            due_ms=self.due_ms,
            snapshot=snapshot,
            position=position,
            state=self.state,
            memory=self.memory,
            params=self.params,
            timeout_ms=60_000,
        )
        answer = asyncio.run(self.runner.run(run))
        self.memory = answer.memory
        sender = Sender(
            slot=str(self.slot),
            incarnation=self.fence,
            fence=self.fence,
            release=self.who.attestation.release,
            commit=self.who.attestation.commit,
            params=params_id(self.params),
        )
        occasion = Occasion(
            due_ms=self.due_ms,
            timeframe=self.slot.timeframe,
            snapshot=digest,
            market=market,
            wire_ms=self.due_ms,
        )
        return DecisionFact(
            due_ms=self.due_ms,
            window_open_ms=Window.at(self.due_ms, self.slot.timeframe).open_ms,
            timeframe=self.slot.timeframe,
            snapshot=digest,
            complete=snapshot.complete,
            position=position,
            decision=answer.decision,
            intents=intents_of(answer.decision, sender, occasion),
            release=sender.release,
            commit=sender.commit,
            params=sender.params,
            strategy="five_factor",
            memory_version=self.strategy.MEMORY_VERSION,
            memory_changes=answer.memory_changes,
            pre_state_hash=answer.pre_state_hash,
            memory_hash=answer.memory_hash,
        )

    def sign(self, fact: DecisionFact) -> str:
        """Approve and sign the decision's first intent; return the order id."""
        intent = fact.intents[0]
        names = set(OrderSigned.__struct_fields__) & set(intent.__struct_fields__)
        order_id = f"0x{self.slot}{intent.due_ms}"
        fields = {name: getattr(intent, name) for name in names}
        self.apply(OrderSigned, order_id=order_id, **fields)
        self.apply(OrderOpened, order_id=order_id)
        return order_id

    def fill(
        self, order_id: str, shares: int | None = None, price: int | None = None, fee: int = 0
    ) -> str:
        """Fill an order, whole and at its price if nothing else is said; return the fill id."""
        order = self.state.orders[order_id]
        fill_id = f"t{self.outbox}/{order_id}"
        self.apply(
            Filled,
            fill_id=fill_id,
            order_id=order_id,
            condition_id=order.condition_id,
            outcome=order.outcome,
            side=order.side,
            price=PriceMicroUsd(price or order.price),
            shares=MicroShares(shares or order.shares),
            fee_micro_usd=MicroUsd(fee),
            maker=not fee,
        )
        return fill_id

    def confirm(self, fill_id: str) -> None:
        self.apply(FillConfirmed, fill_id=fill_id)

    def end(self, order_id: str, end: OrderEnd = OrderEnd.FILLED) -> None:
        self.apply(OrderEnded, order_id=order_id, end=end, reason="done")

    def settle(self, fact: DecisionFact, winner: Outcome) -> None:
        self.apply(Settled, condition_id=fact.intents[0].condition_id, winner=winner)

    def trade(self, winner: Outcome, **about: Any) -> DecisionFact:
        """Decide until a trade is wanted; fill it whole, confirm and settle."""
        fact = self.want(**about)
        order_id = self.sign(fact)
        self.confirm(self.fill(order_id))
        self.end(order_id)
        self.settle(fact, winner)
        return fact

    def want(self, **about: Any) -> DecisionFact:
        """Decide until a trade is wanted."""
        for _ in range(WAIT_MAX):
            fact = self.decide(**about)
            if fact.intents:
                return fact
        raise AssertionError(f"no trade wanted in {WAIT_MAX} decisions: {fact.decision.reason}")

    def record(self, fact: Fact) -> None:
        self._write(fact, self.now_ms)

    def apply(self, kind: type[Any], **fields: Any) -> None:
        self.outbox += 1
        about = {"at_ms": self.due_ms + 2_000, "gateway_release": self.gateway_release}
        event = kind(sequence=self.outbox, **about, **fields)
        self._write(OrderFact(event=event), self.due_ms + 2_000)

    def _write(self, fact: Fact, market_ms: int) -> None:
        self.now_ms = max(self.now_ms + 1, market_ms)
        entry = Entry(
            sequence=self.state.journal_sequence + 1,
            fence=self.fence,
            market_ms=self.now_ms,
            wire_ms=self.now_ms,
            fact=fact,
        )
        self.state = apply_entry(self.state, entry)
        row = row_of(self.who, params_id(self.params), entry, self.state)
        Journal(self.storage, str(self.slot)).append([row])
        self.rows.append(row)


def _attestation(release: str, commit: str) -> Attestation:
    return Attestation(
        release=release,
        commit=commit,
        message_version=1,
        schema_version=1,
        fingerprint="test",
        root="/nowhere",
        pid=1,
        process_start=1,
    )
