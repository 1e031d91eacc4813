"""Hypothesis profiles: `dev` by default, `ci` where HYPOTHESIS_PROFILE says so.

No profile has a deadline: machines are slow and shared, and time is measured in tests/bench.
"""

import atexit
import os
import shutil
import tempfile

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "ci", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

STATE_HOME = tempfile.mkdtemp(prefix="midstride-state-")
"""No test reads or writes the state folder of the person who runs it."""
os.environ["XDG_STATE_HOME"] = STATE_HOME
os.environ.pop("MIDSTRIDE_STATE", None)
atexit.register(shutil.rmtree, STATE_HOME, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep on one worker what shares something dear: the one Ray head, a module's exchange."""
    for item in items:
        if item.get_closest_marker("ray"):
            item.add_marker(pytest.mark.xdist_group("ray"))
        elif item.get_closest_marker("exchange"):
            item.add_marker(pytest.mark.xdist_group(str(item.path)))
