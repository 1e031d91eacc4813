"""A Ray head of a test's own, on loopback, that ends with the test."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
import ray

from actors.runtime import RAY_NAMESPACE

TEST_ACTOR: Final = {"namespace": RAY_NAMESPACE, "num_cpus": 0, "lifetime": "detached"}
"""Options of an actor that lives as long as its head, like the fleet's own: what lives by its last
handle can be dropped by Ray while it still starts (seen once, on a slow machine)."""


@contextmanager
def local_ray(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Start a head for this process and end it; handles of an earlier one are collected first."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    gc.collect()
    ray.init(address="local", num_cpus=2, include_dashboard=False, namespace=RAY_NAMESPACE)
    try:
        yield
    finally:
        ray.shutdown()
