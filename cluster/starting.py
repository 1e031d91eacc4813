"""The launch job: of this tree for a start, of the archived release for a restart after a crash."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from checkpoints.archive import RELEASES
from checkpoints.errors import CheckpointsError
from checkpoints.release import release_of
from cluster.durable_files import write_durably
from cluster.errors import ClusterError
from cluster.jobs import WORKING_TREE, git_commit, submit
from cluster.state_folder import RunRecord, StateFolder

TREE: Final = "."


def launch_tree(state: StateFolder, config: Path, line: Callable[[str], None]) -> None:
    """Launch this tree's code as a job; remember what it was, for a restart after a crash."""
    try:
        write_durably(state.config, config.read_bytes())
    except OSError as error:
        raise ClusterError(f"{config} cannot be read ({error.strerror})") from error
    commit, release = git_commit(), _release()
    _submit(state, TREE, commit, line)
    state.update_run(launched=True, gave_up=False, release=release, commit=commit)


def _release() -> str:
    try:
        return release_of(WORKING_TREE).release
    except (CheckpointsError, OSError):
        return ""


def launch_again(state: StateFolder, line: Callable[[str], None]) -> None:
    """Launch what was launched before, from its archive; the tree may be another by now."""
    record = state.read_run()
    _submit(state, code_of(state, record), record.commit, line)
    state.update_run(launched=True, gave_up=False)


def code_of(state: StateFolder, record: RunRecord) -> str:
    """Return the job's working directory for a restart: the archive, or the tree without one."""
    archive = state.storage / RELEASES / f"{record.release}.zip"
    return f"file://{archive}" if record.release and archive.exists() else TREE


def _submit(state: StateFolder, code: str, commit: str, line: Callable[[str], None]) -> None:
    arguments = [
        "launch",
        f"--config={state.config}",
        f"--storage={state.storage}",
        f"--sandbox-ready={state.sandbox_ready}",
        f"--key-file={state.private_key}",
        f"--commit={commit}",
    ]
    submit(state, state.read_run().ports, arguments, line, code)
