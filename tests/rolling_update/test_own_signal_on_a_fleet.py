"""docs/your-own-signal.md section 4 to the letter: on a running fleet, then on a stopped one.

The strategy of the page reads a data file beside it: that too comes with its release.
"""

from pathlib import Path

import pytest

from tests.rolling_update.fleet import Fleet, running_fleet
from tests.signals.test_your_own_signal_doc import blocks

pytestmark = [pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(900)]
SLOTS = ("btc-5m", "eth-5m")
OFTEN = 60
"""Market time's speed: a decision every five seconds."""


def edit(fleet: Fleet, old: str, new: str) -> None:
    file = fleet.folder / "fleet.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def write_signal(tree: Path) -> None:
    """The page's file, with a weight that it reads from beside itself."""
    text = blocks("python")[0]
    assert "LEAN = 0.03" in text
    reads = 'LEAN = float((Path(__file__).parent / "my_weight.txt").read_text())'
    text = text.replace("LEAN = 0.03", reads).replace(
        "import msgspec\n", "from pathlib import Path\n\nimport msgspec\n", 1
    )
    (tree / "signals/strategies/my_signal.py").write_text(text, encoding="utf-8")
    (tree / "signals/strategies/my_weight.txt").write_text("0.03\n", encoding="utf-8")


def strategies(fleet: Fleet) -> dict[str, str | None]:
    return {slot: fleet.decisions(slot)[-1].strategy for slot in SLOTS}


def update(fleet: Fleet) -> str:
    fleet.clear_alarms()
    code, output = fleet.command("update", "--yes")
    assert code == 0, output
    return " ".join(output.split())


def bring_in(fleet: Fleet) -> str:
    """Name the page's strategy for one slot, as the page says, and update."""
    fleet.await_decisions(1)
    write_signal(fleet.tree)
    edit(fleet, "btc-5m = {}", blocks("toml")[0].splitlines()[-1])
    edit(fleet, "orders_per_minute = 600", "orders_per_minute = 500")
    with (fleet.tree / "requirements.lock").open("a", encoding="utf-8") as lock:
        lock.write("# a remark that no environment needs\n")
    said = update(fleet)
    fleet.await_decisions(1)
    assert strategies(fleet) == {"btc-5m": "my_signal", "eth-5m": "five_factor"}
    return said


def start_again(fleet: Fleet) -> str:
    config = fleet.folder / "fleet.toml"
    ports = fleet.state.read_run().ports.gcs
    words = ("run", "--detach", f"--config={config}", f"--head-port={ports}", f"--speed={OFTEN}")
    code, said = fleet.command(*words)
    assert code == 0, said
    return " ".join(said.split())


def test_the_page_works_on_a_running_fleet(tmp_path: Path) -> None:
    with running_fleet(tmp_path, SLOTS, OFTEN) as fleet:
        said = bring_in(fleet)
    assert "comes with this roll: btc-5m.strategy five_factor -> my_signal" in said
    assert "requirements.lock changed; this fleet's environment has every version" in said
    assert "needs a restart (stop, then run): risk.orders_per_minute 600 -> 500" in said


@pytest.mark.nemesis
def test_the_page_works_on_a_stopped_fleet_and_rollback_brings_the_settings_back(
    tmp_path: Path,
) -> None:
    with running_fleet(tmp_path, SLOTS, OFTEN) as fleet:
        bring_in(fleet)
        (first,) = fleet.releases()
        fleet.stop()
        edit(fleet, "eth-5m = {}", 'eth-5m = { strategy = "my_signal" }')
        said = start_again(fleet)
        assert f"2 slots live on release {first[:12]}" in said
        change = "eth-5m.strategy five_factor -> my_signal"
        assert f"{change} is in force after `midstride update`" in said
        fleet.await_decisions(1)
        assert strategies(fleet) == {"btc-5m": "my_signal", "eth-5m": "five_factor"}
        said = update(fleet)
        assert "orders_per_minute" not in said, "the restart brought it in"
        fleet.await_decisions(1)
        assert strategies(fleet) == {"btc-5m": "my_signal", "eth-5m": "my_signal"}
        code, said = fleet.command("audit", "check")
        assert code == 0, said
        assert "nothing is damaged or missing in the record" in said
        code, said = fleet.command("rolling-update", "rollback")
        assert code == 0, said
        fleet.await_decisions(1)
        assert strategies(fleet) == {"btc-5m": "my_signal", "eth-5m": "five_factor"}
