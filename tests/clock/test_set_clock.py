"""A real fleet while its machine's clock is set, back and forwards (`pytest -s tests/clock`).

The clock is set for the processes of this fleet alone: a small library, compiled here and
preloaded, adds what a file says to their wall clock.
"""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from checkpoints.alarms import AlarmStore
from tests.rolling_update.fleet import Fleet, running_fleet

pytestmark = [pytest.mark.nemesis, pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(900)]

SLOTS = ("btc-5m", "eth-5m")
SETS_MS = (-30_000, 120_000, -2_000, 0)
"""Off by this, one after another; the venue refuses stamps that are off by more than 300 s."""
GAP_MS_MAX = 8_000
"""The venue cancels everything 10 s after the last heartbeat."""


def test_a_fleet_whose_clock_is_set_beats_decides_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    off = _settable_clock(tmp_path, monkeypatch)
    with running_fleet(tmp_path, SLOTS) as fleet:
        fleet.await_decisions(1)
        for off_ms in SETS_MS:
            off(off_ms)
            fleet.await_decisions(2)
            gap_ms = _heartbeat_gap_ms(fleet)
            print(f"off by {off_ms} ms: longest time between two heartbeats {gap_ms} ms")
            assert gap_ms <= GAP_MS_MAX
        fleet.wait(lambda: len(_told(fleet)) >= 2, "both alarms")
        print("\n".join(_told(fleet)))
        verdict = fleet.verdict()
        dues = {slot: [row.due_ms for row in fleet.decisions(slot)] for slot in SLOTS}
    assert all(due == sorted(set(due)) for due in dues.values()), "no point twice, none back"
    assert verdict.missed == 0
    assert [told.split()[0] for told in sorted(_told(fleet))] == ["back", "forwards"]


def _settable_clock(folder: Path, patch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Preload the clock into all that is started from now on; return what sets it."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler: the clock of a fleet alone cannot be set")
    library, file = folder / "settable_clock.so", folder / "clock_is_off"
    source = Path(__file__).with_name("settable_clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source], check=True)

    def off(milliseconds: int) -> None:
        with file.open("r+b") as opened:
            opened.write(milliseconds.to_bytes(8, "little", signed=True))

    file.write_bytes(bytes(8))
    patch.setenv("LD_PRELOAD", str(library))
    patch.setenv("SETTABLE_CLOCK", str(file))
    return off


def _heartbeat_gap_ms(fleet: Fleet) -> int:
    code, output = fleet.command("status", "--json")
    assert code in (0, 1), output
    text = output[output.index("{") :]
    return int(json.JSONDecoder().raw_decode(text)[0]["gateway"]["heartbeat_gap_ms_max"])


def _told(fleet: Fleet) -> list[str]:
    latched = [state.alarm for state in AlarmStore(fleet.storage).latched()]
    found = [alarm for alarm in latched if alarm.kind == "clock_set"]
    return [f"{one.subject} {one.evidence['set_by_ms']}: {one.action}" for one in found]
