"""The framed log: all or nothing appends, torn tails cut, any other damage refused."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from checkpoints import log as log_module
from checkpoints import storage as storage_module
from checkpoints.errors import DamagedLogError, StorageError
from checkpoints.log import (
    FRAME_HEAD,
    OLD_SEGMENTS_KEPT,
    SEGMENT_HEAD,
    Clean,
    ParsedSegment,
    RecordLog,
    TornTail,
    parse_segment,
)
from tests.checkpoints.crashes import CrashError, CrashingOs

GROUPS = [[b"one", b"two"], [b""], [b"three" * 20], [b"\0" * 40, b"four"]]


def written(folder: Path, groups: list[list[bytes]]) -> list[int]:
    """Append the groups; return the file's size before and after each."""
    log, _, _ = RecordLog.open(folder)
    sizes = [log.size_bytes]
    for group in groups:
        log.append(group)
        sizes.append(log.size_bytes)
    log.close()
    return sizes


def reopened(folder: Path) -> tuple[bytes | None, list[bytes], Any]:
    log, records, tail = RecordLog.open(folder)
    log.close()
    return log.base, records, tail


def flat(groups: list[list[bytes]]) -> list[bytes]:
    return [record for group in groups for record in group]


@given(st.lists(st.lists(st.binary(max_size=30), max_size=3), max_size=5))
@settings(max_examples=25)
def test_appended_records_come_back_in_order(
    tmp_path_factory: pytest.TempPathFactory, groups: list[list[bytes]]
) -> None:
    folder = tmp_path_factory.mktemp("log")
    written(folder, groups)
    assert reopened(folder) == (None, flat(groups), Clean())


def test_a_log_begins_empty(tmp_path: Path) -> None:
    assert reopened(tmp_path / "gateway" / "log") == (None, [], Clean())


def test_a_truncation_at_each_byte_keeps_all_complete_frames(tmp_path: Path) -> None:
    sizes = written(tmp_path, GROUPS)
    data = (tmp_path / "00000001.log").read_bytes()
    for length in range(SEGMENT_HEAD.size, len(data)):
        parsed = parse_segment(data[:length], 1, "x")
        complete = max(i for i, size in enumerate(sizes) if size <= length)
        assert parsed.records == tuple(flat(GROUPS[:complete]))
        assert parsed.good_bytes == sizes[complete]


def test_a_tail_of_unwritten_zeros_is_torn(tmp_path: Path) -> None:
    sizes = written(tmp_path, GROUPS)
    data = (tmp_path / "00000001.log").read_bytes()
    for reached in (0, 5, FRAME_HEAD.size, FRAME_HEAD.size + 7):
        zeros = bytes(len(data) - sizes[-2] - reached)
        parsed = parse_segment(data[: sizes[-2] + reached] + zeros, 1, "x")
        assert parsed.good_bytes == sizes[-2]
    assert parse_segment(data + bytes(4096), 1, "x").good_bytes == len(data)


def test_a_torn_tail_is_kept_aside_cut_off_and_written_over(tmp_path: Path) -> None:
    sizes = written(tmp_path, GROUPS)
    file = tmp_path / "00000001.log"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    _, records, tail = reopened(tmp_path)
    assert records == flat(GROUPS[:-1])
    assert isinstance(tail, TornTail)
    assert Path(tail.aside).read_bytes() == whole[sizes[-2] : -1]
    assert tail.dropped_bytes == sizes[-1] - sizes[-2] - 1
    written(tmp_path, GROUPS[-1:])
    assert reopened(tmp_path) == (None, flat(GROUPS), Clean())
    assert file.read_bytes() == whole, "the chain goes on as if the torn frame never was"


def test_every_flipped_bit_is_damage_and_nothing_is_dropped(tmp_path: Path) -> None:
    written(tmp_path, GROUPS)
    data = (tmp_path / "00000001.log").read_bytes()
    for place in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[place] ^= 1 << bit
            with pytest.raises(DamagedLogError):
                parse_segment(bytes(damaged), 1, "x")


@pytest.mark.parametrize("change", ["cut", "swap", "repeat"])
def test_missing_swapped_and_repeated_frames_break_the_chain(tmp_path: Path, change: str) -> None:
    sizes = written(tmp_path, GROUPS)
    data = (tmp_path / "00000001.log").read_bytes()
    parts = [data[a:b] for a, b in zip([0, *sizes], sizes, strict=False)]
    match change:
        case "cut":
            parts.pop(2)
        case "swap":
            parts[2], parts[3] = parts[3], parts[2]
        case _:
            parts.insert(2, parts[2])
    with pytest.raises(DamagedLogError, match="does not follow from the frames before"):
        parse_segment(b"".join(parts), 1, "x")


def test_a_flip_in_a_record_is_said_with_its_place(tmp_path: Path) -> None:
    sizes = written(tmp_path, GROUPS)
    data = (tmp_path / "00000001.log").read_bytes()
    with pytest.raises(DamagedLogError, match=f"x at byte {sizes[2]}: a frame's records"):
        parse_segment(data.replace(b"three", b"THREE", 1), 1, "x")


def test_rotation_begins_with_the_base_and_keeps_the_chain(tmp_path: Path) -> None:
    log, _, _ = RecordLog.open(tmp_path)
    for number in range(6):
        log.append([b"before"])
        log.rotate(b"base %d" % number)
    log.append([b"after"])
    log.close()
    assert reopened(tmp_path) == (b"base 5", [b"after"], Clean())
    files = sorted(path.name for path in tmp_path.glob("*.log"))
    assert len(files) == 1 + OLD_SEGMENTS_KEPT
    assert files[-1] == "00000007.log"


def test_a_damaged_newest_segment_never_falls_back_to_an_old_one(tmp_path: Path) -> None:
    log, _, _ = RecordLog.open(tmp_path)
    log.append([b"old fence"])
    log.rotate(b"base")
    log.close()
    newest = tmp_path / "00000002.log"
    data = newest.read_bytes()
    for broken in (b"", data[:20], data[: SEGMENT_HEAD.size], data[:-1], data[:90] + b"x"):
        newest.write_bytes(broken)
        with pytest.raises(DamagedLogError):
            RecordLog.open(tmp_path)
    (tmp_path / "00000001.log").rename(newest)
    with pytest.raises(DamagedLogError, match="holds segment 1, renamed"):
        RecordLog.open(tmp_path)


def test_two_holders_cannot_both_rotate(tmp_path: Path) -> None:
    first, _, _ = RecordLog.open(tmp_path)
    second, _, _ = RecordLog.open(tmp_path)
    first.rotate(b"a")
    with pytest.raises(DamagedLogError, match="another holder"):
        second.rotate(b"b")
    first.close()
    second.close()


def test_after_a_failed_write_the_log_must_be_opened_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, _, _ = RecordLog.open(tmp_path)
    log.append([b"kept"])

    class FailingOs:
        """The disk takes five bytes, then is full."""

        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

        def write(self, descriptor: int, data: bytes) -> int:
            if len(data) > 5 and log.size_bytes == os.fstat(descriptor).st_size:
                return os.write(descriptor, data[:5])
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(log_module, "os", FailingOs())
        with pytest.raises(StorageError, match="free space"):
            log.append([b"lost"])
    with pytest.raises(StorageError, match="open the log anew"):
        log.append([b"more"])
    log.close()
    base, records, tail = reopened(tmp_path)
    assert (base, records) == (None, [b"kept"])
    assert isinstance(tail, TornTail)


@pytest.mark.parametrize("change", ["append", "rotate"])
def test_a_crash_at_each_point_leaves_the_log_before_or_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    before: Any = (None, [b"one", b"two"])
    after: Any = (None, [*before[1], b"three"]) if change == "append" else (b"base", [])
    seen: list[Any] = []
    for crash_at in range(100):
        folder = tmp_path / str(crash_at)
        written(folder, [[b"one"], [b"two"]])
        log, _, _ = RecordLog.open(folder)
        crashed = False
        with monkeypatch.context() as patch:
            patch.setattr(log_module, "os", CrashingOs(crash_at))
            patch.setattr(storage_module, "os", CrashingOs(crash_at))
            try:
                log.append([b"three"]) if change == "append" else log.rotate(b"base")
            except CrashError:
                crashed = True
        log.close()
        base, records, tail = reopened(folder)
        seen.append((base, records))
        assert tail == Clean()
        written(folder, [[b"next"]])
        assert reopened(folder) == (base, [*records, b"next"], Clean())
        if not crashed:
            break
    assert seen[-1] == after
    assert all(state in (before, after) for state in seen)
    assert len(seen) > 2


class LogMachine(RuleBasedStateMachine):
    """A log against a plain list, through restarts, rotations and torn tails."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self.path = Path(self._folder.name)
        self.log, _, _ = RecordLog.open(self.path)
        self.base: bytes | None = None
        self.model: list[bytes] = []

    @rule(group=st.lists(st.binary(max_size=9), max_size=3))
    def append(self, group: list[bytes]) -> None:
        self.log.append(group)
        self.model += group

    @rule(base=st.binary(max_size=9))
    def rotate(self, base: bytes) -> None:
        self.log.rotate(base)
        self.base, self.model = base, []

    @rule(group=st.lists(st.binary(max_size=9), min_size=1, max_size=3), data=st.data())
    def power_fails_while_appending(self, group: list[bytes], data: st.DataObject) -> None:
        file, size = self.path / f"{self.log.number:08d}.log", self.log.size_bytes
        self.log.append(group)
        self.log.close()
        whole = file.read_bytes()
        reached = data.draw(st.integers(size, len(whole) - 32))
        zeros = data.draw(st.sampled_from([0, len(whole) - reached]))
        file.write_bytes(whole[:reached] + bytes(zeros))
        self.restart()

    @rule()
    def restart(self) -> None:
        self.log.close()
        self.log, records, _ = RecordLog.open(self.path)
        assert (self.log.base, records) == (self.base, self.model)

    def teardown(self) -> None:
        self.log.close()
        self._folder.cleanup()


LogMachine.TestCase.settings = settings(max_examples=12, stateful_step_count=10)
TestLog = LogMachine.TestCase


def test_an_append_is_one_write_and_one_fsync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    class RecordingOs:
        def __getattr__(self, name: str) -> Any:
            calls.append(name)
            return getattr(os, name)

    log, _, _ = RecordLog.open(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(log_module, "os", RecordingOs())
        log.append([b"one", b"two", b"three"])
    log.close()
    assert calls == ["write", "fsync"]


@given(st.binary(max_size=300))
def test_strange_bytes_after_a_good_frame_are_torn_or_damage_never_records(junk: bytes) -> None:
    head = log_module._begin_bytes(1, bytes(32), b"base")
    try:
        parsed = parse_segment(head + junk, 1, "x")
    except DamagedLogError:
        return
    assert parsed == ParsedSegment(
        base=b"base", records=(), digest=parsed.digest, good_bytes=len(head)
    )
