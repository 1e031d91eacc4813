import os
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.local.jobs import WORKING_TREE
from cluster.local.state_folder import StateFolder
from cluster.local.state_lock import StateLockedError, hold, holder

HOLDS = (
    "import sys, time; from pathlib import Path\n"
    "from cluster.local.state_folder import StateFolder\n"
    "from cluster.local.state_lock import hold\n"
    "with hold(StateFolder(Path(sys.argv[1])), 'cluster run'):\n"
    "    print('held', flush=True); time.sleep(600)\n"
)


def test_who_holds_the_folder_is_named_and_its_death_frees_it(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], cwd=WORKING_TREE, stdout=subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        with (
            pytest.raises(StateLockedError, match=rf"`cluster run` \(pid {child.pid}\)"),
            hold(state, "cluster stop", 0.2),
        ):
            pass
        by = holder(state)
        assert by is not None
        assert by.process.pid == child.pid
    finally:
        child.kill()
        child.wait()
    with hold(state, "cluster stop"):
        by = holder(state)
        assert by is not None
        assert (by.process.pid, by.command) == (os.getpid(), "cluster stop")
    assert holder(state) is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"process":', b"\xff\x00"])
def test_a_lock_file_of_any_content_is_no_obstacle(tmp_path: Path, content: bytes) -> None:
    state = StateFolder(tmp_path)
    state.lock.write_bytes(content)
    assert holder(state) is None
    with hold(state, "cluster run"):
        pass
