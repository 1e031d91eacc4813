"""Amounts and dates as text, against the standard library."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.sandbox.server.wire import decimal_text, iso_text, scaled_text


@given(st.integers(-(10**15), 10**15))
def test_micro_units_as_text_read_back_as_the_same_decimal(micro: int) -> None:
    text = decimal_text(micro)
    assert Decimal(text) == Decimal(micro) / 1_000_000
    assert "." not in text or not text.endswith("0")


@given(st.integers(-(10**24), 10**24), st.integers(1, 18))
def test_scaled_integers_as_text_read_back_as_the_same_decimal(value: int, digits: int) -> None:
    assert Decimal(scaled_text(value, digits)) == Decimal(value).scaleb(-digits)


@given(st.integers(0, 4_000_000_000_000))
def test_every_date_is_the_calendars(time_ms: int) -> None:
    date = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time_ms)
    assert datetime.fromisoformat(iso_text(time_ms)) == date


@pytest.mark.parametrize(
    ("micro", "text"), [(540_000, "0.54"), (5_000_000, "5"), (0, "0"), (-1, "-0.000001")]
)
def test_texts_are_plain_and_short(micro: int, text: str) -> None:
    assert decimal_text(micro) == text
