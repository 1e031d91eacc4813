"""Detectors that are never wrong: digests, decisions owed, and the table of drills."""

from msgspec.structs import replace

from actors.detectors.deployed import SILENT_MAX, Decided, Deployed
from actors.detectors.deployed import judge as judge_deployed
from actors.detectors.finding import Finding
from actors.detectors.policy import POLICY, Reaction, reaction_of, strongest
from actors.detectors.uniformity import Expected, Running, running_of
from actors.detectors.uniformity import judge as judge_running
from actors.messages import FenceRecord
from actors.slot.status import SlotNotRunning
from tests.actors.supervisor.test_supervisor_step import status

OLD, NEW, STRANGE = "a1" * 32, "b2" * 32, "c3" * 32
FLEET = tuple(
    Running(subject=f"{asset}-5m/1", attested=OLD, on_disk=OLD, fenced=OLD)
    for asset in ("btc", "eth", "sol")
)
AT_REST = Expected(releases=frozenset({OLD}))
ROLLING = Expected(releases=frozenset({OLD, NEW}), may_mix=True)
DEPLOYED = Deployed(slot="btc-5m", release=NEW, params="p2", since_ms=1_000)
POINTS = (900, 1_300, 1_600)


def kinds(findings: tuple[Finding, ...]) -> list[str]:
    return [f"{finding.kind} {finding.subject}" for finding in findings if finding.holds]


def decided(due_ms: int, **changes: object) -> Decided:
    row = Decided(
        slot="btc-5m",
        release=NEW,
        params="p2",
        due_ms=due_ms,
        complete=True,
        has_probability=True,
    )
    return replace(row, **changes)


def test_a_fleet_on_one_release_raises_nothing() -> None:
    assert kinds(judge_running(FLEET, AT_REST)) == []


def test_two_releases_are_uniform_only_while_a_roll_is_under_way() -> None:
    moved = (replace(FLEET[0], attested=NEW, on_disk=NEW, fenced=NEW), *FLEET[1:])
    assert kinds(judge_running(moved, ROLLING)) == []
    both = Expected(releases=ROLLING.releases)
    assert kinds(judge_running(moved, both)) == ["mixed_releases fleet"]


def test_an_actor_from_another_package_is_named() -> None:
    strange = replace(FLEET[1], attested=STRANGE, on_disk=STRANGE, fenced=None)
    assert kinds(judge_running((FLEET[0], strange), AT_REST)) == ["wrong_code eth-5m/1"]


def test_files_edited_under_a_running_process_are_named() -> None:
    edited = tuple(replace(one, on_disk=STRANGE, root="/ray/_ray_pkg_7") for one in FLEET)
    (finding,) = [f for f in judge_running(edited, AT_REST) if f.holds]
    assert (finding.kind, finding.subject) == ("code_changed_on_disk", "_ray_pkg_7")
    assert finding.evidence["processes"] == "btc-5m/1, eth-5m/1, sol-5m/1"


def test_what_all_slots_share_may_stay_on_an_archived_release() -> None:
    gateway = Running(subject="gateway", attested=NEW, on_disk=NEW, shared=True)
    kept = Expected(releases=AT_REST.releases, archived=frozenset({NEW}))
    assert kinds(judge_running((*FLEET, gateway), kept)) == []
    other = Expected(releases=AT_REST.releases, archived=frozenset({OLD}))
    assert kinds(judge_running((*FLEET, gateway), other)) == ["wrong_code gateway"]
    assert kinds(judge_running((*FLEET, gateway), AT_REST)) == [], "nothing to compare with"
    slot = replace(gateway, subject="eth-5m/2", shared=False)
    assert kinds(judge_running((*FLEET, slot), kept)) == ["wrong_code eth-5m/2"]


def test_a_life_that_was_not_granted_is_not_fenced() -> None:
    claims = status(0, life="8-8", release=STRANGE)
    seen = running_of(1, claims, owner(OLD))
    assert seen.fenced is None
    assert kinds(judge_running((seen,), AT_REST)) == ["wrong_code btc-5m/1"]
    granted = running_of(1, status(0, life="1-1", release=STRANGE), owner(OLD))
    assert "fence_of_another_release btc-5m/1" in kinds(judge_running((granted,), AT_REST))


def test_a_process_that_the_attestation_or_the_gateway_refuses_is_named() -> None:
    for trouble in (
        "1 problems under the root: signals.blend: was changed",
        f"issued for release {OLD[:12]}, runs {STRANGE[:12]}",
        f"no approval covers release {STRANGE[:12]}",
    ):
        refused = Running(subject="btc-5m/1", attested=None, trouble=trouble)
        assert kinds(judge_running((refused,), AT_REST)) == ["wrong_code btc-5m/1"]
    starting = Running(subject="btc-5m/1", attested=None, trouble="starting")
    assert kinds(judge_running((starting,), AT_REST)) == []


def test_an_owner_whose_fence_names_another_release_halts() -> None:
    moved = replace(FLEET[0], fenced=NEW)
    (finding,) = [f for f in judge_running((moved,), ROLLING) if f.holds]
    assert finding.kind == "fence_of_another_release"
    assert reaction_of(finding.kind) is Reaction.HALT


def test_a_release_that_never_decides_is_named_after_two_points() -> None:
    rows = (decided(900, release=OLD),)
    assert kinds(judge_deployed(DEPLOYED, rows, POINTS[:2])) == []
    assert kinds(judge_deployed(DEPLOYED, rows, POINTS)) == ["release_never_decided btc-5m"]
    by_old = (decided(1_300, release=OLD), decided(1_600, release=OLD))
    assert kinds(judge_deployed(DEPLOYED, by_old, POINTS)) == ["release_never_decided btc-5m"]


def test_parameters_that_are_set_and_never_read_are_named() -> None:
    stuck = (decided(1_300, params="p1"), decided(1_600, params="p1"))
    assert kinds(judge_deployed(DEPLOYED, stuck, POINTS)) == ["params_never_read btc-5m"]
    late = (decided(1_300, params="p1"), decided(1_600))
    assert kinds(judge_deployed(DEPLOYED, late, POINTS)) == []
    just_set = replace(DEPLOYED, params_since_ms=1_400)
    assert kinds(judge_deployed(just_set, stuck, POINTS)) == [], "one point may fall into it"
    assert kinds(judge_deployed(replace(DEPLOYED, params=None), stuck, POINTS)) == []


def test_a_signal_that_an_earlier_check_always_stops_is_named() -> None:
    mute = [decided(1_001 + n, has_probability=False) for n in range(SILENT_MAX)]
    assert kinds(judge_deployed(DEPLOYED, mute, ())) == ["signal_never_ran btc-5m"]
    stale = [replace(row, complete=False) for row in mute]
    assert kinds(judge_deployed(DEPLOYED, stale, ())) == []
    assert kinds(judge_deployed(DEPLOYED, [*mute, decided(2_000)], ())) == []
    assert kinds(judge_deployed(replace(DEPLOYED, speaks=False), mute, ())) == []


def test_another_slots_rows_say_nothing_of_this_one() -> None:
    rows = (decided(1_300, slot="eth-5m"), decided(1_600, slot="eth-5m"))
    assert kinds(judge_deployed(DEPLOYED, rows, POINTS)) == ["release_never_decided btc-5m"]


def owner(release: str, incarnation: int = 1) -> FenceRecord:
    return FenceRecord(
        slot="btc-5m",
        fence=1,
        incarnation=incarnation,
        life="1-1",
        release=release,
        commit="c0ffee",
        params="p1",
        journal_sequence=0,
        outbox_sequence=0,
    )


def test_a_process_is_compared_with_the_fence_of_its_own_incarnation() -> None:
    refused = SlotNotRunning(slot="btc-5m", reason="1 problems under the root: signals.blend")
    seen = running_of(1, refused, owner(OLD), on_disk=STRANGE)
    assert seen == Running(
        subject="btc-5m/1", attested=None, on_disk=STRANGE, fenced=OLD, trouble=refused.reason
    )
    assert kinds(judge_running((seen,), AT_REST)) == ["wrong_code btc-5m/1"]
    assert running_of(2, refused, owner(OLD)).fenced is None


def test_each_drill_raises_its_own_alarm_and_no_other() -> None:
    edited = (replace(FLEET[0], on_disk=STRANGE, root="r"), *FLEET[1:])
    strange = (replace(FLEET[0], attested=STRANGE, on_disk=STRANGE, fenced=None), *FLEET[1:])
    stuck = (decided(1_300, params="p1"), decided(1_600, params="p1"))
    drills = (
        ("code_changed_on_disk", judge_running(edited, AT_REST)),
        ("wrong_code", judge_running(strange, AT_REST)),
        ("release_never_decided", judge_deployed(DEPLOYED, (), POINTS)),
        ("params_never_read", judge_deployed(DEPLOYED, stuck, POINTS)),
    )
    for kind, findings in drills:
        assert [one.kind for one in findings if one.holds] == [kind]
        assert reaction_of(kind) is Reaction.NOTIFY


def test_several_alarms_lead_to_the_safest_reaction() -> None:
    assert strongest(()) is Reaction.NOTIFY
    assert strongest(("input_drift", "outcome_fell", "release_never_decided")) is Reaction.REDUCE
    assert strongest(("outcome_fell", "fence_of_another_release")) is Reaction.HALT
    assert set(POLICY.values()) == set(Reaction) - {Reaction.OFF}
