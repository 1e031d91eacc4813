"""What a test does where the recorded market data is not at hand."""

import os
from typing import NoReturn

import pytest


def absent(told: str) -> NoReturn:
    """Skip with the reason; fail in CI, which must have the data."""
    if os.environ.get("CI"):
        pytest.fail(f"{told}: CI must have it")
    pytest.skip(told)
