"""Ask git about a tree; it speaks of that tree alone, whatever the environment names."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

SECONDS_MAX: Final = 30
"""A status of a large tree on a cold disk takes some seconds."""


def ask_git(root: Path, *arguments: str) -> str | None:
    """Return what git prints; None without git, without a repository, or where it fails."""
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(  # noqa: S603 a fixed program with our own arguments
            command,
            capture_output=True,
            text=True,
            check=True,
            timeout=SECONDS_MAX,
            env=git_environment(os.environ),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def git_environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which git looks at the tree it is given, in English, without locks.

    Inside a git hook ``GIT_DIR`` and its like name another repository or index.
    """
    kept = {name: value for name, value in given.items() if not name.upper().startswith("GIT_")}
    return {**kept, "LC_ALL": "C.UTF-8", "GIT_OPTIONAL_LOCKS": "0"}
