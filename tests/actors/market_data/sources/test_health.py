"""Each way in which a service says no has its own path."""

import pytest

from actors.market_data.sources.health import (
    BANNED_MS,
    BLOCKED_MS,
    LIMITED_MS,
    WAIT_MAX_MS,
    Health,
    after_refusal,
    read_status,
)
from actors.market_data.sources.port import Cause, Refusal, SourceName

OKX = SourceName.OKX
CLOUDFLARE = b"error code: 1010"
COUNTRY = b"<html>The Amazon CloudFront distribution is configured to block access</html>"


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (429, b"{}", Cause.LIMITED),
        (418, b"{}", Cause.BANNED),
        (451, b"{}", Cause.BLOCKED),
        (403, CLOUDFLARE, Cause.BLOCKED),
        (403, COUNTRY, Cause.BLOCKED),
        (403, b'{"retCode":10006}', Cause.BANNED),
        (403, b"", Cause.BANNED),
        (400, b'{"code":-1121}', Cause.REFUSED),
        (404, b"", Cause.REFUSED),
        (301, b"", Cause.REFUSED),
        (500, b"oops", Cause.UNREACHABLE),
        (503, b"", Cause.UNREACHABLE),
        (200, b"", Cause.MALFORMED),
        (200, b" \n", Cause.MALFORMED),
        (200, b"<!DOCTYPE html>", Cause.MALFORMED),
        (200, b"\n <html>", Cause.MALFORMED),
    ],
)
def test_an_answer_that_is_none_is_named(status: int, body: bytes, cause: Cause) -> None:
    refusal = read_status(OKX, status, {}, body)
    assert refusal is not None
    assert (refusal.source, refusal.cause) == (OKX, cause)
    assert refusal.reason


def test_a_good_answer_is_none_of_these() -> None:
    assert read_status(OKX, 200, {}, b"[]") is None


@pytest.mark.parametrize(
    ("said", "wait_ms"),
    [
        ("30", 30_000),
        ("0", 0),
        ("999999999999999999", WAIT_MAX_MS),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("-5", None),
        ("٣", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_not_believed(said: str, wait_ms: int | None) -> None:
    refusal = read_status(OKX, 429, {"retry-after": said}, b"")
    assert refusal is not None
    assert refusal.wait_ms == wait_ms


def _refused(cause: Cause, wait_ms: int | None = None) -> Refusal:
    return Refusal(source=OKX, cause=cause, reason="said no", wait_ms=wait_ms)


@pytest.mark.parametrize(
    ("cause", "pause_ms"),
    [
        (Cause.LIMITED, LIMITED_MS),
        (Cause.BANNED, BANNED_MS),
        (Cause.BLOCKED, BLOCKED_MS),
        (Cause.UNREACHABLE, 250),
        (Cause.MALFORMED, 250),
    ],
)
def test_how_long_a_source_is_left_alone(cause: Cause, pause_ms: int) -> None:
    health = after_refusal(Health(), _refused(cause), 1_000, 0.0)
    assert health.not_before_ms == 1_000 + pause_ms
    assert after_refusal(Health(), _refused(cause, 7_000), 1_000, 0.0).not_before_ms == 8_000


def test_pauses_grow_with_each_failure_and_chance_spreads_them() -> None:
    health, now_ms, pauses = Health(), 0, []
    for _ in range(9):
        health = after_refusal(health, _refused(Cause.UNREACHABLE), now_ms, 0.0)
        pauses.append(health.not_before_ms - now_ms)
        now_ms = health.not_before_ms
    assert pauses == [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]
    spread = after_refusal(Health(), _refused(Cause.UNREACHABLE), 0, 1.0)
    assert 250 < spread.not_before_ms <= 313


def test_requests_that_fail_together_make_one_pause() -> None:
    health = Health()
    for _ in range(12):
        health = after_refusal(health, _refused(Cause.UNREACHABLE), 0, 0.0)
    assert health.not_before_ms == 250
    assert health.sick


def test_one_lost_packet_is_no_reason_to_leave_but_a_ban_is() -> None:
    assert not after_refusal(Health(), _refused(Cause.UNREACHABLE), 0, 0.0).sick
    assert after_refusal(Health(), _refused(Cause.BANNED), 0, 0.0).sick
    assert after_refusal(Health(), _refused(Cause.BLOCKED), 0, 0.0).stopped


def test_what_a_source_does_not_have_is_no_illness() -> None:
    assert after_refusal(Health(), _refused(Cause.ABSENT), 0, 0.0) == Health()
    assert after_refusal(Health(), _refused(Cause.HELD_BACK), 0, 0.0) == Health()
