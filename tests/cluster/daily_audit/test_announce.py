"""What a sink gets: one message while all is well, an alarm that latches where it is not."""

import asyncio
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.config import AlarmSinks
from actors.machine.backoff import Backoff
from actors.supervisor.alarm_messages import raised
from checkpoints.alarms import Alarm, AlarmStore
from checkpoints.errors import StorageError
from checkpoints.process_id import ProcessId
from checkpoints.storage import LocalStorage
from cluster.daily_audit import __main__ as main
from cluster.daily_audit import announce as announcing
from cluster.daily_audit import records, run
from cluster.daily_audit.alarms import raise_missed
from cluster.daily_audit.announce import announce, deliver, well_message
from cluster.daily_audit.report import CheckState, DayAudit, DayFigures, check_of
from cluster.local.state_folder import StateFolder
from tests.cluster.audit.complete_record import make_config
from tests.cluster.daily_audit.days import DAY, NEXT_MORNING_MS, SAME, make_state
from tests.cluster.daily_audit.test_records import audit

FIGURES = DayFigures(
    decisions=4_608, slots=16, orders=12, fills=11, settled=9, won=5, pnl_micro_usd=-1_250_000,
    releases=("a" * 64,),
)  # fmt: skip


AT_ONCE = Backoff(first_ms=1, most_ms=10)


class Sinks:
    """Remembers what was sent."""

    def __init__(self) -> None:
        self.sent: list[Alarm] = []

    def __call__(self, _sinks: AlarmSinks, alarm: Alarm) -> None:
        self.sent.append(alarm)


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    state = StateFolder(tmp_path)
    for folder in (state.storage, state.logs):
        folder.mkdir()
    return state


def announced(state: StateFolder, done: DayAudit) -> list[Alarm]:
    sinks = Sinks()
    announce(state, make_config(state.storage), done, sinks)
    return sinks.sent


def latched(state: StateFolder) -> list[Alarm]:
    return [one.alarm for one in AlarmStore(LocalStorage(state.storage)).latched()]


def wrong() -> DayAudit:
    check = check_of("venue", CheckState.FAILED, "12 fills", ("fill x: at the venue only",))
    return audit(well=False, checks=(check,))


def test_a_day_that_is_well_is_one_message_with_its_figures_and_latches_nothing(
    state: StateFolder,
) -> None:
    (sent,) = announced(state, audit(figures=FIGURES))
    assert (sent.kind, sent.severity, sent.subject) == ("still_well", "notice", "2026-03-04")
    assert "still well" in sent.action
    assert "4608 decisions of 16 slots" in sent.action
    assert "P&L -1.25 USD" in sent.action
    assert sent.evidence["pnl_micro_usd"] == "-1250000"
    assert latched(state) == []


def test_a_day_that_is_not_well_latches_and_is_sent_from_here_only_if_no_fleet_runs(
    state: StateFolder,
) -> None:
    (sent,) = announced(state, wrong())
    (alarm,) = latched(state)
    assert sent == alarm
    assert (alarm.kind, alarm.subject) == ("daily_audit_failed", "2026-03-04")
    assert alarm.evidence == {"venue": "failed; 12 fills; fill x: at the venue only"}
    state.update_run(head=ProcessId.own())
    assert announced(state, wrong()) == []  # the supervisor's sinks do it
    assert latched(state) == [alarm]


def test_a_later_audit_that_is_well_ends_the_alarms_of_its_day_only(state: StateFolder) -> None:
    announced(state, wrong())
    raise_missed(state, "2026-03-04", "away", 1)
    raise_missed(state, "2026-03-03", "away", 1)
    announced(state, audit())
    assert [(one.kind, one.subject) for one in latched(state)] == [
        ("daily_audit_missed", "2026-03-03")
    ]


def test_on_a_full_disk_the_alarm_is_sent_though_it_cannot_be_stored(
    state: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageError("No space left on device")

    state.update_run(head=ProcessId.own())
    monkeypatch.setattr(LocalStorage, "create", full)
    (sent,) = announced(state, wrong())
    assert sent.kind == "daily_audit_failed"
    (later,) = announced(state, replace(wrong(), day="2026-03-05"))
    (again,) = announced(state, replace(wrong(), ended_wire_ms=wrong().ended_wire_ms + 1))
    keys = {raised(one).key for one in (sent, later, again)}
    assert len(keys) == 3, "a receiver drops a message whose key it has seen"


def test_a_disk_that_is_full_while_the_record_is_written_makes_the_day_not_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, sinks = make_state(tmp_path / "fleet", trades=1), Sinks()

    def full(*_: object) -> None:
        raise StorageError("No space left on device")

    (state.root / "audit-work" / "left").mkdir(parents=True)  # of an audit that was killed
    monkeypatch.setattr(announcing, "deliver", sinks)
    monkeypatch.setattr(run, "reconcile", lambda _config, _span: SAME)
    monkeypatch.setattr(main, "now_ms", lambda: NEXT_MORNING_MS)
    well = main.audit_alone(state, DAY, scheduled=True)
    assert well.well
    assert not (state.root / "audit-work").exists()
    monkeypatch.setattr(LocalStorage, "write", full)
    done = main.audit_alone(state, DAY, scheduled=True)
    assert [one.name for one in done.wrong] == ["report"]
    assert [one.kind for one in sinks.sent] == ["still_well", "daily_audit_failed"]
    assert "No space left" in sinks.sent[1].evidence["report"]
    assert records.read(LocalStorage(state.storage), DAY) == well  # the one before, whole


def test_a_command_gets_the_message_as_json_and_is_asked_again_until_it_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcing, "PAUSES", AT_ONCE)
    seen = tmp_path / "seen"
    command = f"cat >> {seen}; echo >> {seen}; test $(wc -l < {seen}) -ge 3"
    deliver(AlarmSinks(command=command), well_message(audit(figures=FIGURES)))
    lines = [json.loads(line) for line in seen.read_text().splitlines() if line]
    assert len({line["key"] for line in lines}) == 1
    assert [line["tries"] for line in lines] == list(range(1, len(lines) + 1))
    assert lines[0]["kind"] == "still_well"
    assert lines[0]["evidence"]["decisions"] == "4608"


def test_sinks_that_never_take_it_end_the_audit_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(announcing, "TRIES_MAX", 2)
    monkeypatch.setattr(announcing, "PAUSES", AT_ONCE)
    sinks = AlarmSinks(command="exit 7", webhook_url="http://127.0.0.1:9/secret")
    deliver(sinks, well_message(audit()))
    told = capsys.readouterr().err
    assert "the command did not take" in told
    assert "the webhook did not take" in told
    assert "secret" not in told


def test_a_webhook_that_hangs_does_not_delay_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = asyncio.Event()

    async def hanging(*_: object) -> str:
        await asyncio.wait_for(taken.wait(), 30)
        return ""

    async def taking(*_: object) -> str:
        taken.set()
        return ""

    monkeypatch.setattr(announcing, "TRIES_MAX", 1)
    monkeypatch.setattr("actors.supervisor.alarm_sinks.post", hanging)
    monkeypatch.setattr("actors.supervisor.alarm_sinks.run_command", taking)
    deliver(AlarmSinks(command="cat", webhook_url="http://127.0.0.1:9/"), well_message(audit()))
    assert "did not take" not in capsys.readouterr().err


def test_a_machine_that_makes_no_process_for_the_command_does_not_fail_the_audit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def none(*_: object, **__: object) -> None:
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(announcing, "TRIES_MAX", 2)
    monkeypatch.setattr(announcing, "PAUSES", AT_ONCE)
    monkeypatch.setattr(asyncio, "create_subprocess_shell", none)
    deliver(AlarmSinks(command="cat"), well_message(audit()))
    assert "in 2 tries: BlockingIOError" in capsys.readouterr().err
