"""The redeemer as a real process from an archived release, beside the real sandbox exchange."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import msgspec
import pytest

from actors.config import GateConfig, Mode
from actors.live import confirmation
from actors.venue.kinds import kind_of
from actors.venue.storage_mark import mark_problem
from checkpoints.archive import archive_release
from checkpoints.storage import LocalStorage
from cluster.local.processes import MARK
from cluster.local.redeemer import LOG, Kept, end_redeemer, keep_redeemer
from cluster.local.relayer_key import ensure_relayer_key
from cluster.local.sandbox_process import SandboxReady
from cluster.local.state_folder import StateFolder
from tests.actors.live.starts import confirm_here
from tests.actors.sandbox import TEST_KEY, Sandbox, sandbox, store_config

pytestmark = pytest.mark.exchange
WAIT_S = 120.0
TREE = Path(__file__).parents[3]


def wait(condition: Callable[[], bool], state: StateFolder) -> None:
    deadline = monotonic() + WAIT_S
    while not condition():
        assert monotonic() < deadline, (state.logs / LOG).read_text()
        sleep(0.05)


def rehearsal(state: StateFolder, exchange: Sandbox) -> None:
    """Store what a rehearsal stores: mark, configuration, release, and that it was confirmed."""
    state.prepare()
    state.private_key.write_text(TEST_KEY)
    state.private_key.chmod(0o600)
    ready = SandboxReady(
        pid=1, port=1, urls=exchange.urls, speed=1, anchor_wire_ms=0, anchor_market_ms=0
    )
    ensure_relayer_key(ready, state.private_key)
    venue = msgspec.structs.replace(exchange.venue(), private_key_file=str(state.private_key))
    config = msgspec.structs.replace(
        exchange.config(),
        mode=Mode.LIVE,
        storage=str(state.storage),
        venue=venue,
        gate=GateConfig(operator_keys={"ann": "c" * 64}),
    )
    assert mark_problem(state.storage, kind_of(config)) is None
    store_config(config)
    release = archive_release(LocalStorage(state.storage), TREE, "commit").release
    confirm_here(config, release)
    state.update_run(release=release, launched=True)


def test_it_runs_from_the_archive_comes_back_after_a_kill_and_ends_with_the_fleet(
    tmp_path: Path,
) -> None:
    with sandbox(tmp_path, "--claims") as exchange:
        state = StateFolder(tmp_path / "fleet")
        rehearsal(state, exchange)
        try:
            kept = keep_redeemer(state, state.read_run(), Kept(), 0.0)
            first = state.read_run().redeemer
            assert first is not None

            def works(times: int) -> Callable[[], bool]:
                log = state.logs / LOG
                return lambda: log.exists() and log.read_text().count("redeemer_works") == times

            wait(works(1), state)
            environment = Path(f"/proc/{first.pid}/environ").read_bytes().split(b"\0")
            archive = state.storage / "releases" / f"{state.read_run().redeemer_release}.zip"
            assert f"PYTHONPATH={archive}".encode() in environment
            assert f"{MARK}={state.owner}#redeemer".encode() in environment
            assert not any(TEST_KEY.encode() in entry for entry in environment)
            first.end()
            wait(lambda: not first.alive, state)
            keep_redeemer(state, state.read_run(), kept, 10.0)
            second = state.read_run().redeemer
            assert second is not None
            assert second != first
            wait(works(2), state)
            confirmation.end(LocalStorage(state.storage))
            second.end()
            wait(lambda: not second.alive, state)
            keep_redeemer(state, state.read_run(), kept, 100.0)
            wait(lambda: "nobody has confirmed" in (state.logs / LOG).read_text(), state)
            assert works(2)()
        finally:
            end_redeemer(state)
        assert not second.alive
        assert state.read_run().redeemer is None
        assert TEST_KEY not in (state.logs / LOG).read_text()
