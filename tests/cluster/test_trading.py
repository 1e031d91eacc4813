from collections.abc import Sequence
from pathlib import Path

import pytest

from actors.config import FleetConfig
from actors.gateway.lock import HALT_FILE
from actors.messages import SetTrading, TradingState, decode
from checkpoints.storage import LocalStorage
from cluster import trading
from cluster.errors import FleetError
from cluster.fleet import ASK_SECONDS, Call
from tests.cluster.test_config import read


class Gateway:
    """A link to a gateway that answers, or does not."""

    def __init__(self, *, answers: bool) -> None:
        self.answers = answers
        self.states: list[TradingState] = []

    def ask(self, calls: Sequence[Call], limit_seconds: float = ASK_SECONDS) -> list[bytes | str]:
        assert limit_seconds > 0
        if not self.answers:
            return ["no answer in time" for _ in calls]
        orders = [call.arguments[0] for call in calls if call.method == "set_trading"]
        self.states += [decode(order, SetTrading).state for order in orders]
        return [b"" for _ in calls]


@pytest.fixture
def config(tmp_path: Path) -> FleetConfig:
    return read(tmp_path, 'mode = "sandbox"')


def test_a_halt_writes_the_file_first_and_then_asks_the_gateway(
    tmp_path: Path, config: FleetConfig
) -> None:
    storage, gateway = LocalStorage(tmp_path), Gateway(answers=True)
    done = trading.halt(storage, config, lambda: gateway, "drill")
    assert done.by_gateway
    assert gateway.states == [TradingState.HALTED]
    assert storage.read(HALT_FILE) == b"drill\n"


def test_a_halt_without_ray_leaves_the_file_and_goes_to_the_venue(
    tmp_path: Path, config: FleetConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def cancel(_: FleetConfig, silent: str) -> int:
        asked.append(silent)
        return 3

    def no_fleet() -> Gateway:
        raise FleetError("no head")

    monkeypatch.setattr(trading, "cancel_directly", cancel)
    for join in (no_fleet, lambda: Gateway(answers=False)):
        done = trading.halt(LocalStorage(tmp_path), config, join, "drill")
        assert (done.by_gateway, done.cancelled_directly) == (False, 3)
        assert (tmp_path / HALT_FILE).exists()
    assert len(asked) == 2


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
