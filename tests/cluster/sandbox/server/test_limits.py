"""Per-signer limits: tokens come back with wire time, and a refused request spends nothing."""

from hypothesis import given
from hypothesis import strategies as st

from cluster.sandbox.limits import ALLOWANCES, Kind, Limits, Tier

T0_MS = 1_795_357_000_000
ME = "0x" + "aa" * 20


def spend(limits: Limits, cost: int, at_ms: int, kind: Kind = Kind.ORDER) -> bool:
    spent = limits.spend(ME, kind, cost, at_ms)
    assert spent is not None
    return spent.granted


def test_a_burst_passes_and_then_the_rate_rules() -> None:
    limits = Limits(Tier.STANDARD)
    assert all(spend(limits, 1, T0_MS) for _ in range(60))
    assert not spend(limits, 1, T0_MS)
    assert not spend(limits, 1, T0_MS + 24)
    assert spend(limits, 1, T0_MS + 25)
    assert not spend(limits, 1, T0_MS + 25)
    assert all(spend(limits, 1, T0_MS + 10_000) for _ in range(60))
    assert not spend(limits, 1, T0_MS + 10_000)


def test_orders_and_cancels_and_signers_have_their_own_buckets() -> None:
    limits = Limits(Tier.STANDARD)
    assert spend(limits, 60, T0_MS)
    assert not spend(limits, 1, T0_MS)
    assert spend(limits, 120, T0_MS, Kind.CANCEL)
    other = limits.spend("0x" + "bb" * 20, Kind.ORDER, 60, T0_MS)
    assert other is not None
    assert other.granted


def test_a_refusal_says_when_to_come_back_and_then_it_passes() -> None:
    limits = Limits(Tier.STANDARD)
    assert spend(limits, 60, T0_MS)
    refused = limits.spend(ME, Kind.ORDER, 50, T0_MS)
    assert refused is not None
    assert (refused.granted, refused.remaining, refused.wait_s) == (False, 0, 2)
    assert spend(limits, 50, refused.reset_wire_s * 1000)


def test_without_a_tier_nothing_is_limited() -> None:
    assert Limits(Tier.UNLIMITED).spend(ME, Kind.ORDER, 10**9, T0_MS) is None


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 20)), max_size=200))
def test_in_any_stretch_no_more_passes_than_burst_plus_rate(steps: list[tuple[int, int]]) -> None:
    limits = Limits(Tier.STANDARD)
    allowance = ALLOWANCES[Tier.STANDARD][Kind.ORDER]
    at_ms, passed = T0_MS, 0
    for pause_ms, cost in steps:
        at_ms += pause_ms
        passed += cost * spend(limits, cost, at_ms)
        assert passed * 1000 <= allowance.burst * 1000 + (at_ms - T0_MS) * allowance.per_second
