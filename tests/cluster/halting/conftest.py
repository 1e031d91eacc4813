"""A halt in memory waits for nothing that a real venue or gateway needs."""

import pytest


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.halting.halt.LATE_POST_MS", 0)
    for name in ("SETTLE_MS", "AGAIN_MS", "AGAIN_SOON_MS"):
        monkeypatch.setattr(f"cluster.halting.proof.{name}", 5)
