"""`rollback` by hand of slots that hang, each in its own way: the time is printed (`-s`)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.runtime import wire_ms
from tests.rolling_update.fleet import FOUR, Fleet, running_fleet
from tests.rolling_update.hanging import HANGS, KILLED, STOPPED, hanging_tree, timed, turn_bad
from tests.rolling_update.trees import release_in

pytestmark = [
    pytest.mark.ray,
    pytest.mark.exchange,
    pytest.mark.nemesis,
    pytest.mark.timeout(1800),
]

KINDS = (STOPPED, KILLED, *HANGS)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running_fleet(tmp_path_factory.mktemp("hanging")) as running:
        running.await_decisions(1)
        yield running


def back_from(fleet: Fleet, tree: Path, old: str, hangs: dict[str, str], flags: Path) -> str:
    """Roll out, make slots hang, roll back by hand; return the line of the table."""
    fleet.clear_alarms()
    rolled = fleet.roll(tree, "--shadow=0", "--fast")
    assert rolled.outcome == "done", rolled.failure
    for slot, how in hangs.items():
        turn_bad(fleet, flags, slot, how)
    fleet.await_decisions(1, tuple(slot for slot in fleet.slots if slot not in hangs))
    began_ms = wire_ms()
    seconds, code, output = timed(lambda: fleet.command("rolling-update", "rollback"))
    owned = max(fleet.owner(slot).granted_wire_ms for slot in hangs) - began_ms
    for flag in flags.iterdir():
        flag.unlink()
    print(f"\n{'; '.join(f'{slot} {how}' for slot, how in hangs.items())}\n{output}", flush=True)
    assert code == 0, output
    fleet.wait(lambda: fleet.releases() == {old}, "decisions of the good release")
    return (
        f"{owned / 1000:5.1f} s owned, {seconds:5.1f} s whole command  {', '.join(hangs.values())}"
    )


def test_every_hanging_kind_comes_back_by_hand(fleet: Fleet, tmp_path: Path) -> None:
    (old,) = fleet.releases()
    flags = tmp_path / "flags"
    flags.mkdir()
    tree = hanging_tree(tmp_path / "hanging", flags)
    assert release_in(tree) != old
    table = [back_from(fleet, tree, old, {"btc-5m": how}, flags) for how in KINDS]
    several = dict(zip(FOUR, KINDS, strict=False))
    table.append(back_from(fleet, tree, old, several, flags))
    print("\n" + "\n".join(table))
    verdict = fleet.verdict()
    assert verdict.differences == []
