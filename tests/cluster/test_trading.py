from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.config import FleetConfig
from actors.gateway.lock import CURRENT_FILE, HALT_FILE
from actors.messages import Refusal, SetTrading, TradingState, decode, encode
from actors.runtime import CONFIG_FILE
from checkpoints.errors import StorageError
from checkpoints.storage import LocalStorage
from cluster import trading
from cluster.__main__ import run
from cluster.errors import FleetError, HeadError
from cluster.fleet import ASK_SECONDS, Call
from tests.cluster.config.test_config import read


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

    async def cancel(_: FleetConfig, silent: str, stands: str) -> int:
        asked.append(f"{silent} {stands}")
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


def test_no_command_drops_the_gateways_refusal(tmp_path: Path, config: FleetConfig) -> None:
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


def test_a_halt_before_the_first_launch_holds_for_the_first_start(tmp_path: Path) -> None:
    def join() -> Gateway:
        raise AssertionError("nobody to ask")

    done = trading.halt(LocalStorage(tmp_path), None, join, "not yet")
    assert (done.by_gateway, done.cancelled_directly) == (False, None)
    assert (tmp_path / HALT_FILE).exists()


class FullDisk(LocalStorage):
    """Reads; takes no write."""

    def write(self, name: str, data: bytes) -> None:
        del data
        raise StorageError(f"cannot use the storage (file {name}): it is full")


def venue_cancels(monkeypatch: pytest.MonkeyPatch, count: int) -> list[str]:
    asked: list[str] = []

    async def cancel(_: FleetConfig, silent: str, stands: str) -> int:
        del stands
        asked.append(silent)
        return count

    monkeypatch.setattr(trading, "cancel_directly", cancel)
    return asked


def test_a_full_disk_keeps_no_halt_from_the_gateway(tmp_path: Path, config: FleetConfig) -> None:
    gateway = Gateway(answers=True)
    done = trading.halt(FullDisk(tmp_path), config, lambda: gateway, "drill")
    assert gateway.states == [TradingState.HALTED]
    assert done.by_gateway
    assert "it is full" in (done.file_problem or "")


def test_a_full_disk_keeps_no_halt_from_the_venue_and_nobody_calls_it_halted(
    tmp_path: Path, config: FleetConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = venue_cancels(monkeypatch, 3)
    with pytest.raises(FleetError, match=r"3 open orders were cancelled.*it is full.*stop"):
        trading.halt(FullDisk(tmp_path), config, lambda: Gateway(answers=False), "drill")
    assert asked


def test_a_full_disk_before_the_first_launch_is_told(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match=r"could not be written.*it is full"):
        trading.halt(FullDisk(tmp_path), None, lambda: Gateway(answers=True), "drill")


@pytest.mark.parametrize(
    "fault", [OSError("no token"), ValueError("odd"), RuntimeError("ray"), HeadError("down")]
)
def test_whatever_keeps_from_the_gateway_the_venue_is_asked(
    fault: Exception, tmp_path: Path, config: FleetConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def join() -> Gateway:
        raise fault

    asked = venue_cancels(monkeypatch, 1)
    done = trading.halt(LocalStorage(tmp_path), config, join, "drill")
    assert (done.cancelled_directly, asked) == (1, [str(fault)])


def test_a_damaged_name_of_the_gateway_keeps_no_halt_from_the_venue(
    tmp_path: Path, config: FleetConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    LocalStorage(tmp_path).write(CURRENT_FILE, b"{")
    asked = venue_cancels(monkeypatch, 1)
    trading.halt(LocalStorage(tmp_path), config, lambda: Gateway(answers=True), "drill")
    assert asked


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"null"])
def test_a_damaged_configuration_keeps_no_halt_from_the_file_and_the_gateway(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, gateway = LocalStorage(tmp_path / "storage"), Gateway(answers=True)
    storage.write(CONFIG_FILE, content)
    monkeypatch.setattr("cluster.commands.trading.join_fleet", lambda _: gateway)
    assert run(["trading", "halt", "--state", str(tmp_path)]) == 0
    assert (tmp_path / "storage" / HALT_FILE).exists()
    assert gateway.states == [TradingState.HALTED]


@pytest.mark.parametrize("name", ["run.json", "storage/config/current.json"])
def test_a_folder_in_a_files_place_keeps_no_halt_from_its_file(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    storage = LocalStorage(tmp_path / "storage")
    storage.write("config/source", b"x")
    (tmp_path / name).mkdir(parents=True)
    assert run(["trading", "halt", "--state", str(tmp_path)]) == (name != "run.json")
    assert (tmp_path / "storage" / HALT_FILE).exists()
    assert "fault of its own" not in capsys.readouterr().err
