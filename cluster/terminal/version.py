"""What this tree calls itself: version, release and commit."""

import tomllib

from checkpoints.errors import CheckpointsError
from checkpoints.release import release_of
from cluster.local.jobs import WORKING_TREE, git_commit


def version() -> str:
    """Return the version of pyproject.toml; the project ships no wheel that could say it."""
    text = (WORKING_TREE / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def version_line() -> str:
    """Return one line: version, release of the tree and commit."""
    try:
        release = release_of(WORKING_TREE, "").release[:12]
    except (CheckpointsError, OSError) as error:
        release = f"unknown ({error})"
    return f"midstride {version()}, release {release}, commit {git_commit()[:12]}"
