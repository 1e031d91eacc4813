"""doctor says how many of the venue's settlements agree with the recorded averages."""

from pathlib import Path

import msgspec

from actors.detectors.settlement import SettlementWatch
from actors.detectors.watch import Watch
from actors.supervisor.detecting import KEPT_FILE, Kept
from checkpoints.storage import LocalStorage
from cluster.local.findings import Finding, Verdict
from cluster.local.state_folder import StateFolder
from cluster.local.storage_findings import check_storage


def finding(folder: Path, watch: SettlementWatch | None) -> Finding:
    state = StateFolder(folder)
    storage = LocalStorage(state.storage)
    storage.write("config/source", b"x")
    if watch is not None:
        kept = Kept(watch=Watch(settlements=watch), positions={})
        storage.write(KEPT_FILE, msgspec.json.encode(kept))
    return next(one for one in check_storage(state) if one.what == "settlements")


def test_settlements_that_agree_are_counted(tmp_path: Path) -> None:
    assert finding(tmp_path, None).verdict is Verdict.OK
    found = finding(tmp_path, SettlementWatch(agreed=412, not_compared={"a stale average": 3}))
    assert found.verdict is Verdict.OK
    assert found.detail == "412 agreed, 0 differed; not compared: 3 a stale average"


def test_a_difference_is_a_fault(tmp_path: Path) -> None:
    found = finding(tmp_path, SettlementWatch(agreed=9, differences=1))
    assert found.verdict is Verdict.FAULT
    assert "1 differed" in found.detail
