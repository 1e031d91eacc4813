"""What can be lost or altered of a fleet's storage, each by name: (folder, slot) -> None.

Every one of these leaves all other files intact, and most leave each remaining file intact too: no
seal tells. Rewritten rows are sealed again, as a program would that knows how.
"""

import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import msgspec

from actors.slot.facts import OrderFact
from actors.slot.rows import entry_of
from checkpoints.codec import CheckpointKind, decode_checkpoint
from checkpoints.journal import decode_rows, encode_rows
from checkpoints.journal_days import compact_day, open_days
from checkpoints.journal_rows import JournalRow, RowKind
from checkpoints.log import DIGEST_BYTES, FRAME_HEAD, SEGMENT_HEAD
from checkpoints.storage import LocalStorage

FAR = "9999-12-31"
"""A day after all others: whatever was recorded may be closed."""


def flushes(root: Path, slot: str) -> list[Path]:
    return sorted((root / "journal").glob(f"*/{slot}/*.arrow"))


def remove(files: list[Path]) -> None:
    assert files
    for file in files:
        file.unlink()


def whole_journal_of_a_slot(root: Path, slot: str) -> None:
    for folder in (root / "journal").glob(f"*/{slot}"):
        shutil.rmtree(folder)


def first_flushes(root: Path, slot: str) -> None:
    remove(flushes(root, slot)[:30])


def last_flush(root: Path, slot: str) -> None:
    remove(flushes(root, slot)[-1:])


def last_three_flushes(root: Path, slot: str) -> None:
    remove(flushes(root, slot)[-3:])


def last_five_flushes(root: Path, slot: str) -> None:
    remove(flushes(root, slot)[-5:])


def one_flush_in_the_middle(root: Path, slot: str) -> None:
    found = flushes(root, slot)
    remove([found[len(found) // 2]])


def all_snapshots(root: Path, slot: str) -> None:
    del slot
    shutil.rmtree(root / "snapshots")


def one_snapshot(root: Path, slot: str) -> None:
    del slot
    remove(sorted((root / "snapshots").rglob("*.zst"))[:1])


def a_snapshot_altered(root: Path, slot: str) -> None:
    del slot
    file, other = sorted((root / "snapshots").rglob("*.zst"))[:2]
    file.chmod(0o600)
    file.write_bytes(other.read_bytes())


def all_archives(root: Path, slot: str) -> None:
    del slot
    shutil.rmtree(root / "releases")


def an_archive_without_its_record(root: Path, slot: str) -> None:
    del slot
    remove(sorted((root / "releases").glob("*.json"))[:1])


def the_parameters(root: Path, slot: str) -> None:
    del slot
    shutil.rmtree(root / "params")


def the_parameters_altered(root: Path, slot: str) -> None:
    del slot
    file = min((root / "params").glob("*.json"))
    file.chmod(0o600)
    file.write_bytes(file.read_bytes().replace(b"1", b"2", 1))


def a_checkpoint(root: Path, slot: str) -> None:
    """Of the full ones: the delta of an earlier handoff may be pruned at any time."""
    found = sorted((root / "checkpoints" / slot).glob("*.arrow"))
    full = [
        file
        for file in found
        if decode_checkpoint(file.read_bytes()).meta.kind is CheckpointKind.FULL
    ]
    remove([full[len(full) // 2]])


def the_newest_checkpoint(root: Path, slot: str) -> None:
    remove(sorted((root / "checkpoints" / slot).glob("*.arrow"))[-1:])


def all_checkpoints(root: Path, slot: str) -> None:
    shutil.rmtree(root / "checkpoints" / slot)


def the_gateways_log(root: Path, slot: str) -> None:
    del slot
    shutil.rmtree(root / "gateway" / "log")


def the_end_of_the_gateways_log(root: Path, slot: str) -> None:
    del slot
    file = max((root / "gateway" / "log").glob("*.log"))
    data = file.read_bytes()
    ends = [SEGMENT_HEAD.size]
    while ends[-1] < len(data):
        (length,) = struct.unpack_from("<Q", data, ends[-1] + 8)
        ends.append(ends[-1] + FRAME_HEAD.size + length + DIGEST_BYTES)
    file.write_bytes(data[: ends[len(ends) * 3 // 4]])


def one_days_folder(root: Path, slot: str) -> None:
    del slot
    shutil.rmtree(max((root / "journal").glob("*-*-*")))


def a_closed_day(root: Path, slot: str) -> None:
    del slot
    storage = LocalStorage(root)
    for day in open_days(storage):
        compact_day(storage, day, FAR)
    remove(sorted((root / "journal").glob("*.parquet"))[-1:])


def rewrite(
    root: Path, slot: str, kind: RowKind, change: Callable[[JournalRow], JournalRow]
) -> None:
    """Change the last row of a kind and seal its flush again."""
    for file in reversed(flushes(root, slot)):
        rows = decode_rows(file.read_bytes())
        assert isinstance(rows, list)
        chosen = [row for row in rows if row.kind is kind and row.price_micro_usd is not None]
        if chosen:
            changed = [change(row) if row is chosen[-1] else row for row in rows]
            file.chmod(0o600)
            file.write_bytes(encode_rows(changed))
            return
    raise AssertionError(f"{slot} has no such row")


def a_fills_price_rewritten(root: Path, slot: str) -> None:
    def dearer(row: JournalRow) -> JournalRow:
        assert row.price_micro_usd is not None
        return msgspec.structs.replace(row, price_micro_usd=row.price_micro_usd + 10_000)

    rewrite(root, slot, RowKind.ORDER_EVENT, dearer)


def a_decisions_release_rewritten(root: Path, slot: str) -> None:
    def other(row: JournalRow) -> JournalRow:
        return msgspec.structs.replace(row, release="ab" * 32)

    rewrite(root, slot, RowKind.DECISION, other)


def a_payload_rewritten(root: Path, slot: str) -> None:
    """Columns and payload agree: only what follows from the row does not."""

    def cheaper(row: JournalRow) -> JournalRow:
        entry = entry_of(row)
        assert isinstance(entry.fact, OrderFact)
        price = entry.fact.event.price - 10_000  # type: ignore[union-attr]
        event = msgspec.structs.replace(entry.fact.event, price=price)
        entry = msgspec.structs.replace(entry, fact=OrderFact(event=event))
        payload = msgspec.msgpack.encode(entry)
        return msgspec.structs.replace(row, price_micro_usd=price, payload=payload)

    rewrite(root, slot, RowKind.ORDER_EVENT, cheaper)


def another_slots_flush_in_its_place(root: Path, slot: str) -> None:
    """Nothing is missing by count; one slot's row is there twice, the other's is gone."""
    mine = flushes(root, slot)[5]
    other = next(path.name for path in mine.parent.parent.iterdir() if path.name != slot)
    mine.chmod(0o600)
    mine.write_bytes(flushes(root, other)[5].read_bytes())


def a_flush_twice(root: Path, slot: str) -> None:
    file = flushes(root, slot)[5]
    first, _, rest = file.name.partition("-")
    shutil.copy(file, file.with_name(f"{int(first) + 900:012d}-{rest}"))


def another_slots_checkpoint(root: Path, slot: str) -> None:
    mine = max((root / "checkpoints" / slot).glob("*.arrow"))
    other = next(path for path in (root / "checkpoints").iterdir() if path.name != slot)
    shutil.copy(max(other.glob("*.arrow")), mine.with_name("000000009999.arrow"))


def an_older_copy_of_a_slot(root: Path, slot: str) -> None:
    """Journal and checkpoints agree with each other; the gateway's log is of today."""
    found = flushes(root, slot)
    cut = found[len(found) // 2]
    remove(found[len(found) // 2 :])
    first = int(cut.name.partition("-")[0])
    fulls = (root / "checkpoints" / slot).glob("*.arrow")
    remove([file for file in fulls if int(file.name[:12]) >= first])


def the_configuration(root: Path, slot: str) -> None:
    del slot
    remove([root / "config" / "current.json"])


def two_flushes_with_each_others_names(root: Path, slot: str) -> None:
    one, other = flushes(root, slot)[3:5]
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def the_folder_of_a_slot_renamed(root: Path, slot: str) -> None:
    (folder,) = (root / "journal").glob(f"*/{slot}")
    folder.rename(folder.with_name("sol-5m"))


def a_flush_in_another_days_folder(root: Path, slot: str) -> None:
    file = flushes(root, slot)[3]
    folder = root / "journal" / "2026-01-02" / slot
    folder.mkdir(parents=True)
    file.rename(folder / file.name)


def a_flush_with_a_later_fence(root: Path, slot: str) -> None:
    file = flushes(root, slot)[-1]
    file.rename(file.with_name(f"{file.name[:12]}-00000009.arrow"))


Loss = Callable[[Path, str], None]
LOSSES: dict[str, tuple[Loss, str]] = {
    "whole_journal_of_a_slot": (whole_journal_of_a_slot, "{slot}"),
    "first_flushes": (first_flushes, "{slot}: "),
    "last_flush": (last_flush, "{slot}: row"),
    "last_three_flushes": (last_three_flushes, "{slot}: rows"),
    "last_five_flushes": (last_five_flushes, "{slot}: rows"),
    "one_flush_in_the_middle": (one_flush_in_the_middle, "{slot} row"),
    "all_snapshots": (all_snapshots, "snapshot"),
    "one_snapshot": (one_snapshot, "snapshot "),
    "a_snapshot_altered": (a_snapshot_altered, " snapshot "),
    "all_archives": (all_archives, "release "),
    "an_archive_without_its_record": (an_archive_without_its_record, "release "),
    "the_parameters": (the_parameters, "parameters "),
    "the_parameters_altered": (the_parameters_altered, "parameters "),
    "a_checkpoint": (a_checkpoint, "{slot} checkpoint"),
    "the_newest_checkpoint": (the_newest_checkpoint, "{slot} checkpoint"),
    "all_checkpoints": (all_checkpoints, "{slot} checkpoint"),
    "the_gateways_log": (the_gateways_log, "gateway/log"),
    "the_end_of_the_gateways_log": (the_end_of_the_gateways_log, "gateway/log: its end"),
    "one_days_folder": (one_days_folder, "{slot}: "),
    "a_closed_day": (a_closed_day, "{slot}: "),
    "a_fills_price_rewritten": (a_fills_price_rewritten, "{slot} row"),
    "a_decisions_release_rewritten": (a_decisions_release_rewritten, "{slot} row"),
    "a_payload_rewritten": (a_payload_rewritten, "{slot} "),
    "another_slots_flush_in_its_place": (another_slots_flush_in_its_place, "{slot} row"),
    "a_flush_twice": (a_flush_twice, "{slot} row"),
    "another_slots_checkpoint": (another_slots_checkpoint, "checkpoints/{slot}/"),
    "an_older_copy_of_a_slot": (an_older_copy_of_a_slot, "{slot}: order events"),
    "two_flushes_with_each_others_names": (two_flushes_with_each_others_names, "journal/"),
    "the_folder_of_a_slot_renamed": (the_folder_of_a_slot_renamed, "journal/2026-01-01/sol-5m/"),
    "a_flush_in_another_days_folder": (a_flush_in_another_days_folder, "journal/2026-01-02/"),
    "a_flush_with_a_later_fence": (a_flush_with_a_later_fence, "journal/"),
    "the_configuration": (the_configuration, "config/current.json"),
}
"""What is lost -> how, and how one of the problems begins that name it."""
