"""A first configuration from five answers: the commented file that `config new` writes. Pure."""

from typing import Final

import msgspec

from signals.market import Slot

MICRO: Final = 1_000_000


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What a person is asked."""

    assets: tuple[str, ...]
    timeframes: tuple[str, ...]
    strategy: str
    slot_usd: int
    """Capital of one slot, USD."""
    daily_loss_usd: int

    @property
    def slots(self) -> tuple[str, ...]:
        slots = (Slot.parse(f"{a}-{t}") for a in set(self.assets) for t in set(self.timeframes))
        return tuple(map(str, sorted(slots, key=lambda slot: slot.place)))


def config_text(answers: Answers) -> str:
    """Return the TOML file, every line with what it means."""
    slots = "\n".join(f"{slot} = {{}}" for slot in answers.slots)
    exposure = answers.slot_usd * MICRO
    fleet = exposure * len(answers.slots)
    return f"""\
# A fleet's configuration. `midstride config check --config FILE` checks it, `midstride config show
# --config FILE` shows every value that is in force. A key that is missing has its default.
mode = "sandbox"  # the simulated exchange; no order leaves this machine

# Money is in micro-USD: 1_000_000 is one USD.
[risk]
slot_exposure_micro_usd = {exposure:_}  # at most this at stake in one slot
fleet_exposure_micro_usd = {fleet:_}  # and this in all slots together
daily_loss_micro_usd = {answers.daily_loss_usd * MICRO:_}  # a day's loss at which orders stop

[slot_defaults]
strategy = "{answers.strategy}"  # a file of signals/strategies/; `midstride strategies list`
allocation_micro_usd = {exposure:_}  # the capital that a slot sizes its bets with

# One line a slot; `btc-5m = {{ strategy = "my_signal" }}` gives one another signal.
[slots]
{slots}
"""
