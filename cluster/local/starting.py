"""The launch job: of this tree for a start, of the archived release for a restart after a crash."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from checkpoints.archive import RELEASES, archive_uri
from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage
from cluster.config.settings import SOURCE
from cluster.errors import ClusterError
from cluster.local.durable_files import write_durably
from cluster.local.jobs import git_commit, packed_tree, submit
from cluster.local.state_folder import RunRecord, StateFolder

TREE: Final = ""


def launch_tree(state: StateFolder, config: Path, line: Callable[[str], None]) -> None:
    """Launch this tree's code as a job; remember what it was, for a restart after a crash."""
    try:
        write_durably(state.config, config.read_bytes())
    except OSError as error:
        raise ClusterError(
            f"{config} cannot be read ({error.strerror}): correct its permissions"
        ) from error
    commit, code = git_commit(), packed_tree(state, ["launch"])
    _submit(state, code, commit, config.resolve(), line)
    release = code.rpartition("/")[2].removesuffix(".zip")
    state.update_run(launched=True, gave_up=False, release=release, commit=commit)


def launch_again(state: StateFolder, line: Callable[[str], None]) -> None:
    """Launch what was launched before, from its archive; the tree may be another by now."""
    record, storage = state.read_run(), LocalStorage(state.storage)
    try:
        source = storage.read(SOURCE)
    except CheckpointsError:
        source = None
    _submit(state, code_of(state, record), record.commit, state.config, line)
    if source is not None:
        storage.write(SOURCE, source)  # the person's file, not our copy, is what they edit
    state.update_run(launched=True, gave_up=False)


def code_of(state: StateFolder, record: RunRecord) -> str:
    """Return what a restart runs: the archive of what was launched, else the tree (empty)."""
    archive = state.storage / RELEASES / f"{record.release}.zip"
    return archive_uri(state.storage, record.release) if archive.exists() else TREE


def _submit(
    state: StateFolder, code: str, commit: str, config: Path, line: Callable[[str], None]
) -> None:
    arguments = [
        "launch",
        f"--config={config}",
        f"--storage={state.storage}",
        f"--sandbox-ready={state.sandbox_ready}",
        f"--key-file={state.private_key}",
        f"--commit={commit}",
    ]
    submit(state, state.read_run().ports, arguments, line, code=code)
