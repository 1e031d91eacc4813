"""A whole run over a tape: decisions, its report, its command, what is refused."""

from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from actors.config import SlotConfig
from cluster.config.load import DEFAULT_FILE
from cluster.config.offline import read_offline
from cluster.try_signal import Fleet, SignalError, TapeError, run_try, to_json, to_text
from cluster.try_signal.calibration import Forecast, reliability
from cluster.try_signal.command import command
from cluster.try_signal.model_market import LABEL
from cluster.try_signal.picture import to_html
from cluster.try_signal.result import TryResult
from signals.market import Asset
from signals.params import override, params_id


def test_reliability_by_hand() -> None:
    forecasts = [Forecast(0.8, up=True), Forecast(0.4, up=False), Forecast(0.45, up=True)]
    bins = reliability(forecasts)
    assert [(one.low, one.forecasts, one.share_up) for one in bins] == [(0.4, 2, 0.5), (0.8, 1, 1)]


@pytest.fixture(scope="module")
def result() -> TryResult:
    return run_try("five_factor", cycles=12, seed=3)


def test_every_slot_decides_at_every_point_the_same_way_each_time(result: TryResult) -> None:
    assert len(result.decisions) == 12 * 2 * len(Asset)
    again = run_try("five_factor", cycles=12, seed=3)
    assert again.decisions == result.decisions
    assert again.trades == result.trades


def test_the_default_signal_is_as_good_as_the_market_and_no_better(result: TryResult) -> None:
    rows = {row.name: row for row in result.calibration}
    assert rows["signal"].log_loss == pytest.approx(rows["market mid (model)"].log_loss)
    assert rows["signal"].settlement_times <= rows["signal"].windows <= rows["signal"].forecasts


def test_the_report_says_what_is_a_model_and_what_came_out(result: TryResult) -> None:
    text = to_text(result)
    for part in (LABEL, "GENERATED", "DECISIONS 192", "TRADES", "CALIBRATION", "it means nothing"):
        assert part in text
    assert msgspec.json.decode(to_json(result), type=TryResult) == result


def test_weight_on_the_fair_value_makes_trades() -> None:
    overrides = {"blend.mid": 0.0, "blend.fair": 1.0, "points.mode": "blend"}
    traded = run_try("five_factor", cycles=24, seed=3, overrides=overrides)
    assert traded.orders > 0
    assert traded.trades
    only = run_try("five_factor", cycles=2, seed=3, assets=frozenset({"btc"}))
    assert {one.slot for one in only.decisions} == {"btc-5m", "btc-15m"}


def test_what_cannot_be_tried_is_refused_with_the_reason(tmp_path: Any) -> None:
    with pytest.raises(TapeError, match=r"klines\.parquet"):
        run_try("five_factor", tmp_path)
    (tmp_path / "klines.parquet").write_text("not parquet")
    with pytest.raises(TapeError, match=r"klines\.parquet"):
        run_try("five_factor", tmp_path)
    with pytest.raises(SignalError, match="nearest is five_factor"):
        run_try("five_facter")
    with pytest.raises(SignalError, match=r"blend\.fair"):
        run_try("five_factor", overrides={"blend.fiar": 1})
    with pytest.raises(TapeError, match="it holds btc"):
        run_try("five_factor", assets=frozenset({"avax"}))


def test_the_command_line_prints_text_or_json_and_passes_parameters() -> None:
    changes = ["--set", "blend.fair=1", "--set", "blend.mid=0"]
    asked = ["--signal", "five_factor", "--cycles", "2", *changes]
    shown = CliRunner().invoke(command, asked)
    assert shown.exit_code == 0
    assert "DECISIONS 32" in shown.output
    read = CliRunner().invoke(command, [*asked, "--json"])
    result = msgspec.json.decode(read.stdout, type=TryResult)
    fleet, _ = read_offline(DEFAULT_FILE)
    moved = override(fleet.params, {"blend.fair": 1, "blend.mid": 0})
    assert result.params == params_id(moved)
    assert "16 slots and their parameters from sandbox.toml" in result.configuration
    refused = CliRunner().invoke(command, ["--set", "blend.fair"])
    assert isinstance(refused.exception, SignalError)
    assert "KEY=VALUE" in str(refused.exception)


def test_the_report_names_each_lacking_input_once(result: TryResult) -> None:
    gappy = msgspec.structs.replace(
        result, lacking={"open_interest": 96}, points=96, not_on_tape=("zec-5m",)
    )
    text = to_text(gappy)
    assert text.count("no fresh open interest on the tape at 96 of 96 decision points") == 1
    assert "not on the tape, so not tried: zec-5m" in text
    assert "no fresh" not in to_text(result)
    assert "not tried" not in to_text(result)


def test_two_processes_find_what_one_finds() -> None:
    def run(processes: int) -> TryResult:
        return run_try(
            "five_factor",
            cycles=6,
            seed=3,
            assets=frozenset({"btc", "eth"}),
            processes=processes,
        )

    one, two = run(1), run(2)
    assert (one.decisions, one.trades, one.calibration) == (
        two.decisions,
        two.trades,
        two.calibration,
    )


def test_slots_try_their_own_strategy_parameters_and_capital() -> None:
    slots = (
        SlotConfig(slot="btc-5m", strategy="late_favourite"),
        SlotConfig(slot="eth-5m", params={"blend.fair": 1.0}),
    )
    found = run_try(None, cycles=2, seed=3, fleet=Fleet(slots=slots, source="x.toml"))
    assert {one.slot for one in found.decisions} == {"btc-5m", "eth-5m"}
    assert found.signal == "five_factor, late_favourite"
    assert (found.params, found.configuration) == ("2 sets", "x.toml")


def test_intervals_draw_settlement_times_and_are_left_out_where_there_are_few() -> None:
    few = [Forecast(0.5, up=True, settlement=str(n % 3)) for n in range(300)]
    assert reliability(few)[0].share_up_low is None
    many = [Forecast(0.5, up=n % 2 == 0, settlement=str(n // 8)) for n in range(808)]
    (row,) = reliability(many)
    assert row.share_up_low is not None
    assert row.share_up_high is not None
    assert row.share_up_low <= 0.5 <= row.share_up_high
    together = [Forecast(0.5, up=n // 8 % 2 == 0, settlement=str(n // 8)) for n in range(808)]
    (wide,) = reliability(together)
    assert wide.share_up_low is not None
    assert wide.share_up_low < row.share_up_low, "windows that settle together count as one"


def test_progress_reaches_the_whole() -> None:
    told: list[tuple[int, int]] = []
    run_try(
        "five_factor",
        cycles=3,
        assets=frozenset({"btc", "eth"}),
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[0] == (0, 6)
    assert told[-1] == (6, 6)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_the_page_of_a_run_is_one_file_without_scripts(result: TryResult) -> None:
    page = to_html(result)
    assert "<script" not in page
    assert "log-loss" in page
    assert page.count("<svg") >= 3
