"""Programs of Debian's packages: found, or the test says how to get them."""

import os
import shutil
import subprocess

import pytest

PACKAGES = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "amtool": "prometheus-alertmanager",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "systemd-analyze": "systemd",
}
INSTALL = "RUNLEVEL=1 apt-get install -y --no-install-recommends"


def tool(name: str) -> str:
    """Return a program's path. Where CI or `.ci/run` runs the tests, a missing one is a failure."""
    found = shutil.which(name)
    if found is None:
        said = f"{name} is not installed: {INSTALL} {PACKAGES[name]}"
        if os.environ.get("CI") or os.environ.get("HYPOTHESIS_PROFILE") == "ci":
            pytest.fail(said)
        pytest.skip(said)
    return found


def run(*words: str) -> str:
    """Run a tool to its end; a code that is not 0 fails the test with what it said."""
    done = subprocess.run(
        [tool(words[0]), *words[1:]], capture_output=True, text=True, timeout=60, check=False
    )
    said = f"{done.stdout}{done.stderr}"
    assert done.returncode == 0, said
    return said
