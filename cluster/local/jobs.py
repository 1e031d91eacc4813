"""Submit a command of this package as a Ray job, as a real `ray job submit` subprocess."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from checkpoints.archive import archive_release, archive_uri, record_commit
from checkpoints.errors import CheckpointsError
from checkpoints.git import ask_git
from checkpoints.release import git_commit as tree_commit
from checkpoints.storage import LocalStorage
from cluster.config.settings import extra_files, read_edited
from cluster.errors import JobError
from cluster.local.environment import child_environment, interpreter, ray_program
from cluster.local.head import dashboard_url, head_environment
from cluster.local.state_folder import HeadPorts, StateFolder

WORKING_TREE: Final = Path(__file__).resolve().parents[2]
BRINGS_NO_CODE: Final = frozenset({"rollback", "resume", "abort"})
"""Words of jobs that roll out what was archived before."""
NOISE: Final = re.compile(
    r"\t(INFO|SUCC|WARNING) (cli|dashboard_sdk|job_manager|packaging|sdk|worker|working_dir)\.py:"
    r"|^Running entrypoint for job|\(raylet\)"
)
"""Lines of Ray's own submitter and node; the job's own lines follow another form."""


def submit(
    state: StateFolder,
    ports: HeadPorts,
    arguments: Sequence[str],
    line: Callable[[str], None],
    name: str = "",
    code: str = "",
) -> None:
    """Run `python -m cluster ARGUMENTS` as a job, pass on its lines; raise `JobError` if it failed.

    The job runs from the working tree's archive, as every actor does that it creates: what is
    named by the release id is what runs.
    `code` names another archive than that.
    `name`: what Ray's dashboard shows for it; the command where it is empty.
    """
    command = [
        *ray_program(),
        "job",
        "submit",
        "--address",
        dashboard_url(ports),
        "--log-style=record",
        "--working-dir",
        code or packed_tree(state, arguments),
        "--metadata-json",
        json.dumps({"job_name": name or " ".join(arguments[:2])}),
        "--",
        interpreter(),
        "-m",
        "cluster",
        *arguments,
    ]
    environment = {**child_environment(os.environ), **head_environment(state)}
    with subprocess.Popen(  # noqa: S603 our own ray program with checked arguments
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        cwd=WORKING_TREE,
        text=True,
        errors="replace",
    ) as child:
        assert child.stdout is not None
        try:
            for text in _own_lines(child.stdout):
                line(text)
        except BaseException:
            child.terminate()  # it only follows the job's lines; the job goes on
            raise
    if child.returncode:
        raise JobError(f"the job `midstride {arguments[0]}` failed; its lines are above")


def packed_tree(state: StateFolder, arguments: Sequence[str]) -> str:
    """Archive the working tree; return the archive's URI.

    Raises `JobError` where it cannot be archived, unless the job brings none of its code: the way
    back to an archived release is not barred by a tree or a disk that is ill.
    """
    storage = LocalStorage(state.storage)
    try:
        commit = tree_commit(WORKING_TREE)
        extra = _edited_settings(state, arguments)
        release = archive_release(storage, WORKING_TREE, commit, extra).release
        record_commit(storage, release, commit)
    except CheckpointsError as error:
        if BRINGS_NO_CODE.intersection(arguments[:2]):
            return "."
        raise JobError(f"this tree cannot be a release: {error}") from error
    return archive_uri(state.storage, release)


def _edited_settings(state: StateFolder, arguments: Sequence[str]) -> dict[str, bytes]:
    """Return what an edited configuration adds to the release that a roll brings."""
    named = [word.partition("=")[2] for word in arguments if word.startswith("--config=")]
    if "apply" not in arguments[:2] or not named:
        return {}
    return extra_files(read_edited(str(state.storage), Path(named[0])))


def _own_lines(lines: Iterator[str]) -> Iterator[str]:
    for text in lines:
        stripped = text.rstrip("\n")
        if stripped and not NOISE.search(stripped):
            yield stripped


def git_commit() -> str:
    """Return the commit, ``-dirty`` appended where the tree has changes, or ``unknown``."""
    commit = ask_git(WORKING_TREE, "rev-parse", "HEAD")
    if commit is None:
        return "unknown"
    changed = ask_git(WORKING_TREE, "status", "--porcelain")
    return f"{commit.strip()}-dirty" if changed else commit.strip()
