"""A live fleet beside stand-ins: asked for twice, it trades, is updated, taken back, stopped."""

from pathlib import Path

import pytest

from actors.live.confirmation import in_force
from tests.cluster.gate.closed_fleet import clean_tree
from tests.cluster.live_fleet import live_fleet
from tests.rolling_update.trees import release_in

pytestmark = [pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(1800)]
TUNED = (
    "signals/factors/pattern.py",
    "shapes.bullish(bars, params.strong_body_atr)",
    "shapes.bullish(bars, 1.05 * params.strong_body_atr)",
)


@pytest.mark.nemesis
def test_a_live_fleet_is_asked_for_twice_trades_rolls_and_stops(tmp_path: Path) -> None:
    with live_fleet(tmp_path) as fleet:
        code, said = fleet.run()
        assert (code, "no plan that was applied covers release" in said) == (1, True), said
        assert "risk.order_micro_usd not approved -> 5000000" in " ".join(said.split())
        fleet.let_in()
        text = fleet.full_text()
        code, said = fleet.run(f"--confirm={text[:-1]}0")
        assert (code, "not confirmed" in said) == (1, True), said
        fleet.start()
        assert in_force(fleet.storage) is not None
        fleet.await_decisions(1)
        old = release_in(fleet.tree)
        tree = clean_tree(tmp_path / "tuned", TUNED)
        plan, _ = fleet.plan(tree, "--shadow=0")
        fleet.approve(plan)
        code, said = fleet.apply(tree, f"--plan={plan[:16]}")
        assert code == 0, said
        fleet.await_decisions(1)
        assert fleet.releases() == {release_in(tree)}
        code, said = fleet.command("rolling-update", "rollback", "--shadow=0")
        assert code == 0, said
        fleet.await_decisions(1)
        assert fleet.releases() == {old}
        verdict = fleet.verdict()
        assert (verdict.missed, verdict.differences) == (0, [])
        fleet.stop()
        assert in_force(fleet.storage) is None, "a person's next start is asked again"
        print(f"\nlive beside stand-ins: {verdict}")
