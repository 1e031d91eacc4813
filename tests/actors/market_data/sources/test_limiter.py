"""Requests leave no faster than a source allows, and its own count is believed."""

from actors.market_data.sources.limiter import BURST, SHARE, Rate, Usage, full_limiter, learn, take

RATES = {"weight": Rate(weight=100, per_ms=1_000)}


def test_no_period_ever_sees_more_than_its_share_however_it_is_counted() -> None:
    limiter = full_limiter(RATES, 0)
    sent = []
    for _ in range(400):
        limiter, wait_ms = take(limiter, "weight", 1, 0)
        sent.append(wait_ms)
    assert sent == sorted(sent), "who asks later waits longer"
    most = max(sum(start <= at < start + 1_000 for at in sent) for start in range(0, 9_000, 50))
    assert most <= 100 * SHARE + 1
    assert sent[: int(100 * SHARE * BURST)] == [0] * int(100 * SHARE * BURST)


def test_time_fills_the_bucket_but_not_beyond_its_room() -> None:
    limiter = full_limiter(RATES, 0)
    limiter, _ = take(limiter, "weight", 45, 0)
    limiter, wait_ms = take(limiter, "weight", 45, 10_000)
    assert wait_ms == 0
    _, wait_ms = take(limiter, "weight", 8, 10_000)
    assert wait_ms > 150


def test_a_clock_that_steps_back_gives_no_tokens() -> None:
    limiter, _ = take(full_limiter(RATES, 5_000), "weight", 45, 5_000)
    _, wait_ms = take(limiter, "weight", 8, 1_000)
    assert wait_ms > 90


def test_the_sources_own_count_slows_us_down() -> None:
    """Another program behind the same address uses the same limit."""
    limiter = learn(full_limiter(RATES, 0), Usage(group="weight", used=99), 0)
    _, wait_ms = take(limiter, "weight", 1, 0)
    assert wait_ms > 190
    limiter = learn(full_limiter(RATES, 0), Usage(group="weight", left=0), 0)
    _, wait_ms = take(limiter, "weight", 1, 0)
    assert wait_ms > 200


def test_a_lower_count_of_the_source_gives_nothing_back() -> None:
    limiter, _ = take(full_limiter(RATES, 0), "weight", 45, 0)
    limiter = learn(limiter, Usage(group="weight", used=0), 0)
    _, wait_ms = take(limiter, "weight", 1, 0)
    assert wait_ms > 0


def test_a_limit_that_is_not_ours_is_ignored() -> None:
    limiter = full_limiter(RATES, 0)
    assert learn(limiter, Usage(group="orders", used=5), 0) == limiter
    assert learn(limiter, Usage(group="weight"), 0) == limiter
