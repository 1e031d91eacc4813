"""Hypothesis profiles: `dev` by default, `ci` where HYPOTHESIS_PROFILE says so.

No profile has a deadline: machines are slow and shared, and time is measured in tests/bench.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "ci", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
