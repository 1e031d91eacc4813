"""Parameters: defaults in the text, ranges, names, identity."""

import tomllib
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.params import FIELDS, Params, ParamsError, load_params, override, params_id, to_toml

UNHURRIED = settings(deadline=None)
"""Machines that run the tests are busy; a slow example is no failure."""


def test_the_text_of_the_defaults_is_what_the_code_says() -> None:
    text = resources.files("signals").joinpath("params.toml").read_text("utf-8")
    assert text == to_toml(Params())
    assert load_params(text) == Params()


def test_every_parameter_has_a_unit_and_a_range_or_choices() -> None:
    for field in FIELDS.values():
        assert field.unit, field.key
        assert field.choices or (field.low is not None and field.high is not None), field.key


def test_a_missing_key_keeps_its_default() -> None:
    assert load_params("[blend]\nfair = 0.5\n") == override(Params(), {"blend.fair": 0.5})


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("blend.fiar", 1.0, ("blend.fiar", "1.0", "blend.fair")),
        ("fair", 1.0, ("fair = 1.0", "no such parameter", "nearest")),
        ("edge.rest_min", 9.0, ("edge.rest_min", "9.0", "-1 .. 1")),
        ("pattern.atr_candles", 3.5, ("pattern.atr_candles", "3.5", "whole number")),
        ("weights.pattern", "many", ("weights.pattern", "'many'", "0 .. 100")),
        ("weights.pattern", True, ("weights.pattern", "True", "0 .. 100")),
        ("sizing.kelly_fraction", float("nan"), ("sizing.kelly_fraction", "nan")),
        ("sizing.kelly_fraction", float("inf"), ("sizing.kelly_fraction", "inf")),
        ("points.mode", "off", ("points.mode", "'off'", "blend or gate")),
        ("points.flat", 20.0, ("points.flat", "points.act")),
        ("volume.taker_share", 0.9, ("volume.taker_share", "at most 1")),
        ("alignment.fast_candles", 13, ("alignment.fast_candles", "alignment.slow_candles")),
    ],
)
def test_a_bad_override_names_key_value_and_what_is_allowed(
    key: str, value: float | str, told: tuple[str, ...]
) -> None:
    with pytest.raises(ParamsError) as refusal:
        override(Params(), {key: value})
    for part in told:
        assert part in str(refusal.value)


@pytest.mark.parametrize("text", ["[blend", "blend = 1", "[blnd]\nfair = 1", "[blend]\nfair = []"])
def test_a_bad_text_is_refused(text: str) -> None:
    with pytest.raises(ParamsError):
        load_params(text)


def test_text_from_a_command_line_is_read_as_a_number() -> None:
    assert override(Params(), {"blend.fair": "0.5"}).blend.fair == 0.5
    assert override(Params(), {"pattern.atr_candles": "10"}).pattern.atr_candles == 10


def test_the_id_depends_on_values_only() -> None:
    assert params_id(override(Params(), {"blend.fair": 1})) == params_id(
        override(Params(), {"blend.fair": "1.0"})
    )
    assert params_id(Params()) != params_id(override(Params(), {"blend.fair": 0.1}))
    assert len(params_id(Params())) == 64


@UNHURRIED
@given(st.sampled_from(sorted(FIELDS)), st.floats(0, 1))
def test_a_value_inside_its_range_is_taken_and_survives_the_text(key: str, place: float) -> None:
    field = FIELDS[key]
    value: float | str
    if field.choices:
        value = field.choices[0]
    else:
        assert field.low is not None
        assert field.high is not None
        value = field.low + place * (field.high - field.low)
        value = int(value) if field.kind is int else value
    try:
        changed = override(Params(), {key: value})
    except ParamsError:
        assert key in {
            "points.flat", "points.act", "volume.ratio_share", "volume.taker_share",
            "alignment.fast_candles", "alignment.slow_candles",
        }  # fmt: skip
        return
    assert load_params(to_toml(changed)) == changed
    section, name = key.split(".")
    assert tomllib.loads(to_toml(changed))[section][name] == value
