from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.gateway.lock import HALT_FILE
from actors.messages import Refusal, SetTrading, TradingState, decode, encode
from checkpoints.storage import LocalStorage
from cluster import trading
from cluster.errors import FleetError
from cluster.fleet import ASK_SECONDS, Call


class Gateway:
    """A link to a gateway that answers, or does not."""

    def __init__(
        self, *, answers: bool, refuses: str | None = None, stays: TradingState | None = None
    ) -> None:
        self.answers = answers
        self.refuses = refuses
        self.stays = stays
        self.states: list[TradingState] = []

    def ask(self, calls: Sequence[Call], limit_seconds: float = ASK_SECONDS) -> list[bytes | str]:
        assert limit_seconds > 0
        if not self.answers:
            return ["no answer in time" for _ in calls]
        orders = [call.arguments[0] for call in calls if call.method == "set_trading"]
        self.states += [decode(order, SetTrading).state for order in orders]
        return [self._answer(call) for call in calls]

    def _answer(self, call: Call) -> bytes:
        if call.method != "set_trading":
            return b""
        order = decode(call.arguments[0], SetTrading)
        if self.refuses is not None:
            return encode(Refusal(reason=self.refuses))
        return encode(replace(order, state=self.stays or order.state))


def test_a_resume_with_a_silent_gateway_leaves_the_halt_in_force(tmp_path: Path) -> None:
    (tmp_path / HALT_FILE).write_text("drill")
    with pytest.raises(FleetError):
        trading.resume(LocalStorage(tmp_path), lambda: Gateway(answers=False), "over")
    assert (tmp_path / HALT_FILE).exists()


def test_a_resume_removes_the_file_and_sets_active(tmp_path: Path) -> None:
    (tmp_path / HALT_FILE).write_text("drill")
    gateway = Gateway(answers=True)
    trading.resume(LocalStorage(tmp_path), lambda: gateway, "over")
    assert gateway.states == [TradingState.ACTIVE]
    assert not (tmp_path / HALT_FILE).exists()


def test_no_command_drops_the_gateways_refusal(tmp_path: Path) -> None:
    gateway = Gateway(answers=True, refuses="the log is damaged")
    storage = LocalStorage(tmp_path)
    for ask in (
        lambda: trading.reduce(storage, lambda: gateway, "lunch"),
        lambda: trading.resume(storage, lambda: gateway, "over"),
    ):
        with pytest.raises(FleetError, match="the log is damaged"):
            ask()


def test_a_state_that_is_not_in_force_is_not_claimed(tmp_path: Path) -> None:
    gateway = Gateway(answers=True, stays=TradingState.HALTED)
    with pytest.raises(FleetError, match="trading is halted and stays so"):
        trading.reduce(LocalStorage(tmp_path), lambda: gateway, "lunch")


def test_reduce_during_a_halt_is_refused_before_anyone_is_asked(tmp_path: Path) -> None:
    (tmp_path / HALT_FILE).write_text("lunch")
    gateway = Gateway(answers=True)
    with pytest.raises(FleetError, match=r"trading resume"):
        trading.reduce(LocalStorage(tmp_path), lambda: gateway, "later")
    assert gateway.states == []
