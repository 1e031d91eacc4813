"""docs/your-own-signal.md section 4 to the letter: on a running fleet, then on a stopped one.

The strategy of the page reads a data file beside it: that too comes with its release.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rolling_update.fleet import Fleet, running_fleet
from tests.signals.test_your_own_signal_doc import blocks

pytestmark = [pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(900)]
SLOTS = ("btc-5m", "eth-5m")
OFTEN = 60
"""Market time's speed: a decision every five seconds."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running_fleet(tmp_path_factory.mktemp("own"), SLOTS, OFTEN) as fleet:
        yield fleet


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
    fleet.clear_late_alarms()
    code, output = fleet.command("update", "--yes")
    assert code == 0, output
    return output


def test_the_page_works_on_a_running_fleet_and_on_a_stopped_one(fleet: Fleet) -> None:
    fleet.await_decisions(1)
    write_signal(fleet.tree)
    edit(fleet, "btc-5m = {}", blocks("toml")[0].splitlines()[-1])
    edit(fleet, "orders_per_minute = 600", "orders_per_minute = 500")
    said = update(fleet)
    assert "comes with this roll: btc-5m.strategy five_factor -> my_signal" in said
    assert "needs a restart (stop, then run): risk.orders_per_minute 600 -> 500" in said
    fleet.await_decisions(1)
    assert strategies(fleet) == {"btc-5m": "my_signal", "eth-5m": "five_factor"}
    (first,) = fleet.releases()

    fleet.stop()
    edit(fleet, "eth-5m = {}", 'eth-5m = { strategy = "my_signal" }')
    config = fleet.folder / "fleet.toml"
    ports = fleet.state.read_run().ports.gcs
    words = ("run", "--detach", f"--config={config}", f"--head-port={ports}", f"--speed={OFTEN}")
    code, said = fleet.command(*words)
    assert code == 0, said
    said = " ".join(said.split())
    assert f"2 slots live on release {first[:12]}" in said
    assert "eth-5m.strategy five_factor -> my_signal is in force after `make update`" in said
    fleet.await_decisions(1)
    assert strategies(fleet) == {"btc-5m": "my_signal", "eth-5m": "five_factor"}
    said = update(fleet)
    assert "orders_per_minute" not in said, "the restart brought it in"
    fleet.await_decisions(1)
    assert strategies(fleet) == {"btc-5m": "my_signal", "eth-5m": "my_signal"}
    code, said = fleet.command("audit", "check")
    assert code == 0, said
    assert "nothing is damaged or missing in the record" in said
    code, said = fleet.command("rolling-update", "rollback", "--shadow=0")
    assert code == 0, said
    fleet.await_decisions(1)
    assert strategies(fleet) == {"btc-5m": "my_signal", "eth-5m": "five_factor"}
