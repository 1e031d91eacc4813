"""Trends of a fleet's samples, and which process counts as what."""

import pytest

from tests.nemesis.wear import HOUR_S, Sample, trend
from tests.process_kinds import kind_of


def sampled(*open_files: int) -> list[Sample]:
    """Return samples a quarter of an hour apart."""
    return [
        Sample(
            at_s=number * HOUR_S / 4,
            processes=1,
            memory_mb={},
            open_files=count,
            stored_files=0,
            stored_mb=0.0,
            ray_mb=0.0,
        )
        for number, count in enumerate(open_files)
    ]


def test_a_trend_leaves_the_start_out_and_has_its_slope_by_the_hour() -> None:
    found = trend("open files", sampled(900, 900, 10, 20, 30, 40, 50, 60), lambda s: s.open_files)
    assert (found.first, found.last) == (15, 55)
    assert found.slope == pytest.approx(40)


def test_seven_samples_are_too_few() -> None:
    with pytest.raises(AssertionError, match="7 samples are too few"):
        trend("open files", sampled(*range(7)), lambda s: s.open_files)


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (b"ray::Slot.decide", "slots"),
        (b"ray::MarketData", "market data"),
        (b"ray::market-data/1", "market data"),
        (b"ray::IDLE", "other actors and workers"),
        (b"/ray/core/src/ray/gcs/gcs_server\0--log_dir=x", "gcs"),
        (b"/ray/core/src/ray/raylet/raylet\0--gcs-address=x", "raylet"),
        (b"python\0/ray/dashboard/agent.py\0--raylet-name=/s/raylet", "dashboard"),
        (b"python\0-m\0cluster.local.watcher\0/state", "watcher"),
        (b"python\0-m\0actors.redemption.process", "redeemer"),
        (b"python\0-m\0cluster.sandbox", "simulated exchange"),
        (b"\xff", "other processes"),
    ],
)
def test_a_process_is_known_by_its_command_line(command: bytes, kind: str) -> None:
    assert kind_of(command) == kind
