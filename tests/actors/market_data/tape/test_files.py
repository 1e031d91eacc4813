"""Files of a tape: damage is never read as data, and only days that are over go."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from actors.market_data.tape.files import delete_old, write_rows
from actors.market_data.tape.rows import Marks, new_rows
from tests.actors.market_data.journeys import warm_state
from tests.actors.market_data.tape.builders import DAY


@pytest.mark.parametrize("damage", ["flip", "cut", "zero"])
def test_no_damage_of_a_tape_file_is_read_as_data_or_stops_the_tape(
    tmp_path: Path, damage: str
) -> None:
    rows = new_rows(warm_state(), Marks())
    [place] = [place for place in rows if place.table == "open_interest"]
    write_rows(tmp_path, {place: rows[place]})
    path = tmp_path / place.path
    whole, wanted = path.read_bytes(), pq.read_table(path, partitioning=None)
    for at_byte in range(0, len(whole), 7):
        data = bytearray(whole)
        if damage == "flip":
            data[at_byte] ^= 0xFF
        elif damage == "cut":
            del data[at_byte:]
        else:
            data[at_byte : at_byte + 40] = bytes(len(data[at_byte : at_byte + 40]))
        path.write_bytes(data)
        write_rows(tmp_path, {place: rows[place][-1:]})
        aside = path.with_name(f"{path.name}.damaged")
        found = pq.read_table(path, partitioning=None)
        assert found.equals(wanted.slice(wanted.num_rows - 1) if aside.exists() else wanted)
        aside.unlink(missing_ok=True)


def test_a_file_that_the_disk_does_not_give_is_not_taken_for_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = new_rows(warm_state(), Marks())
    write_rows(tmp_path, rows)
    before = sorted(tmp_path.rglob("*"))

    def refuse(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(pq, "read_table", refuse)
    with pytest.raises(OSError, match="Input/output"):
        write_rows(tmp_path, rows)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_damaged_file_of_the_tape_is_kept_aside_and_written_anew(tmp_path: Path) -> None:
    rows = new_rows(warm_state(), Marks())
    write_rows(tmp_path, rows)
    [place] = [place for place in rows if place.table == "open_interest"]
    path = tmp_path / place.path
    path.write_bytes(b"PAR1 half")
    write_rows(tmp_path, {place: rows[place]})
    assert pq.read_table(path, partitioning=None).num_rows == len(rows[place])
    assert path.with_name(f"{path.name}.damaged").exists()


def test_days_that_are_over_for_long_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    for name in ("2025-12-17", "2025-12-18", "2025-12-31", DAY, "first", "notes"):
        (tmp_path / name).mkdir()
    assert delete_old(tmp_path, DAY, 14) == ["2025-12-17", "2025-12-18"]
    assert sorted(path.name for path in tmp_path.iterdir())[:2] == ["2025-12-31", DAY]
    assert delete_old(tmp_path / "none", DAY, 14) == []


def test_what_only_looks_like_an_old_day_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "2025-12-16").symlink_to(tmp_path / "kept")
    (tmp_path / "2025-12-15").write_text("notes")
    assert delete_old(tmp_path, DAY, 14) == []
