"""The [gate] table: what it may say, when it freezes, and what to say of it. Pure."""

import re
from typing import Final

from actors.config import FleetConfig, GateConfig
from signals.market import DAY_MS

HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000
_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_KEY: Final = re.compile(r"[0-9a-f]{64}")


def notice(config: FleetConfig) -> str:
    """Say in one line how the gate stands: for launch, plan and status."""
    if config.gate_is_open:
        return f"approval gate: open ({config.mode} default); any code may trade"
    names = ", ".join(sorted(config.gate.operator_keys)) or "nobody"
    return f"approval gate: closed; a release needs the approval of {names}"


def frozen(gate: GateConfig, wire_ms: int) -> tuple[str, ...]:
    """Say which frozen hours hold now."""
    minute = wire_ms % DAY_MS // MINUTE_MS
    return tuple(
        f"nothing may be rolled out in {span} UTC (gate.freeze_utc): wait until it is over"
        for span in gate.freeze_utc
        if _inside(minute, *_minutes(span))
    )


def _minutes(span: str) -> tuple[int, int]:
    match = _SPAN.fullmatch(span)
    assert match is not None, "config_problems was asked first"
    hours = [int(text) for text in match.groups()]
    return hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]


def _inside(minute: int, start: int, end: int) -> bool:
    return start <= minute < end if start <= end else minute >= start or minute < end


def config_problems(gate: GateConfig, *, is_open: bool) -> tuple[str, ...]:
    """Check the [gate] table: each problem names its key and what is allowed."""
    problems = [
        f"gate.freeze_utc {span!r}: must be HH:MM-HH:MM"
        for span in gate.freeze_utc
        if not _SPAN.fullmatch(span)
    ]
    problems += [
        f"gate.operator_keys.{name}: must be an ed25519 public key of 64 hex digits"
        for name, key in gate.operator_keys.items()
        if not _KEY.fullmatch(key)
    ]
    for name, value, low, high in (
        ("approval_hours", gate.approval_hours, 0.01, 720),
        ("rolls_per_day", gate.rolls_per_day, 0, 1_000),
        ("minutes_between_rolls", gate.minutes_between_rolls, 0, 1_440),
        ("staged_permille", gate.staged_permille, 1, 1_000),
        ("staged_decisions", gate.staged_decisions, 0, 1_000_000),
    ):
        if not low <= value <= high:
            problems.append(f"gate.{name} = {value}: must be {low:g} .. {high:g}")
    if not is_open and not gate.operator_keys:
        problems.append(
            "gate.operator_keys is empty, and the gate is closed: `midstride gate key` "
            "makes a key, put "
            "its public part there"
        )
    return tuple(problems)
