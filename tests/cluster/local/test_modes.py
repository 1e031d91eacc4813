"""Which configuration and which exchange a start gets."""

from pathlib import Path

import click
import pytest

from actors.config import Mode
from cluster.config.offline import read_offline
from cluster.local.modes import LIVE_FILE, PAPER_FILE, STAND_INS_FILE, Asked, choose


def asked(
    mode: str | None = None,
    config: Path | None = None,
    speed: int | None = None,
    *,
    stand_ins: bool = False,
    wall_clock: bool = False,
) -> Asked:
    return Asked(mode=mode, config=config, stand_ins=stand_ins, speed=speed, wall_clock=wall_clock)


def test_the_sandbox_is_what_a_start_without_words_gets() -> None:
    chosen = choose(asked())
    assert chosen.config.name == "sandbox.toml"
    assert chosen.sandbox is not None
    assert chosen.sandbox.speed == 30


def test_paper_uses_real_addresses_and_real_time() -> None:
    chosen = choose(asked("paper"))
    assert (chosen.config, chosen.sandbox) == (PAPER_FILE, None)
    fleet, _ = read_offline(chosen.config)
    assert fleet.mode is Mode.PAPER
    assert fleet.venue.clob_url == "https://clob.polymarket.com"
    assert fleet.venue.private_key_file is fleet.venue.private_key_env is None


def test_stand_ins_run_at_the_real_time_of_day() -> None:
    chosen = choose(asked("paper", stand_ins=True))
    assert chosen.config == STAND_INS_FILE
    assert chosen.sandbox is not None
    assert (chosen.sandbox.speed, chosen.sandbox.wall_clock) == (1, True)
    faster = choose(asked("paper", speed=30, stand_ins=True)).sandbox
    assert faster is not None
    assert (faster.speed, faster.wall_clock) == (30, False)


def test_live_is_asked_for_in_the_file_and_on_the_command_line() -> None:
    chosen = choose(asked("live"))
    assert (chosen.config, chosen.sandbox) == (LIVE_FILE, None)
    rehearsed = choose(asked("live", stand_ins=True)).sandbox
    assert rehearsed is not None
    assert (rehearsed.speed, rehearsed.wall_clock, rehearsed.exchanges) == (1, True, True)


@pytest.mark.parametrize(
    "wrong",
    [
        asked("live", speed=30),
        asked("live", speed=30, stand_ins=True),
        asked("live", config=PAPER_FILE),
        asked("paper", config=LIVE_FILE),
        asked("sandbox", config=LIVE_FILE),
        asked(None, config=LIVE_FILE),
        asked(None, config=LIVE_FILE, stand_ins=True),
        asked("sandbox", stand_ins=True),
        asked("paper", speed=30),
        asked("sandbox", config=PAPER_FILE),
        asked("paper", speed=30, stand_ins=True, wall_clock=True),
    ],
)
def test_what_does_not_go_together_is_a_usage_error(wrong: Asked) -> None:
    with pytest.raises(click.UsageError):
        choose(wrong)
