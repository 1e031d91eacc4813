"""Logs: every event has time, actor and release; a reader finds them by slot and goes on."""

import json
import logging
from pathlib import Path

import pytest

from actors.runtime import label_logs, log_event
from cluster.__main__ import run
from cluster.local.log_files import LogReader, concerns, parse_line, show


def event(actor: str, name: str, second: int, **fields: str) -> str:
    line = {
        "event": name,
        "actor": actor,
        "release": "abcdef012345",
        "time": f"2026-03-01T00:00:{second:02d}.000+00:00",
        **fields,
    }
    return json.dumps(line) + "\n"


def test_every_event_has_time_actor_and_release(caplog: pytest.LogCaptureFixture) -> None:
    label_logs(actor="btc-5m/7", release="abcdef")
    logger = logging.getLogger("midstride")
    logger.propagate = True
    with caplog.at_level(logging.INFO, "midstride"):
        log_event("slot_phase", after="retired")
    line = json.loads(caplog.records[-1].getMessage())
    assert (line["actor"], line["release"], line["event"]) == ("btc-5m/7", "abcdef", "slot_phase")
    assert line["time"].endswith("+00:00")


def test_lines_of_several_workers_come_in_order_of_time_and_only_once(tmp_path: Path) -> None:
    one, two = tmp_path / "worker-a-01-1.err", tmp_path / "worker-b-01-2.err"
    one.write_text(":actor_name:Slot(btc-5m/1 abcdef)\n" + event("btc-5m/1", "late", 9))
    two.write_text(event("gateway/1", "early", 1) + '{"event": "half')
    reader = LogReader(tmp_path)
    assert [line.event for line in reader.new_lines()] == ["early", "late"]
    assert reader.new_lines() == []
    with two.open("a") as opened:
        opened.write(' a line", "actor": "gateway/1", "time": "2026-03-01T00:00:10+00:00"}\n')
    assert [line.event for line in reader.new_lines()] == ["half a line"]


def test_a_traceback_belongs_to_the_actor_whose_file_it_is(tmp_path: Path) -> None:
    (tmp_path / "worker-a-01-1.err").write_text(
        ":actor_name:Slot(btc-5m/1 abcdef)\nTraceback (most recent call last):\nKeyError: 'x'\n"
    )
    lines = LogReader(tmp_path).new_lines()
    assert [line.text for line in lines] == ["Traceback (most recent call last):", "KeyError: 'x'"]
    assert all(concerns(line, "btc-5m") and concerns(line, "btc-5m/1") for line in lines)
    assert not any(concerns(line, "btc-15m") for line in lines)


def test_a_slots_lines_are_also_those_of_others_about_it() -> None:
    line = parse_line(event("gateway/1", "alarm", 3, slot="btc-5m").strip(), None)
    assert line is not None
    assert concerns(line, "btc-5m")
    assert concerns(line, "gateway")


def test_control_characters_of_a_strategy_do_not_reach_the_terminal() -> None:
    line = parse_line(event("btc-5m/1", "x", 3, reason="\x1b[2Jgone\r").strip(), None)
    assert line is not None
    assert "\x1b" not in show(line)
    assert r"\x1b[2Jgone\r" in show(line)


def test_the_command_names_whose_lines_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cluster.local.state_folder import StateFolder

    monkeypatch.setattr(StateFolder, "ray", property(lambda self: self.root / "ray"))
    assert run(["logs", "--state", str(tmp_path)]) == 1
    assert "there are no logs" in capsys.readouterr().err
    logs = tmp_path / "ray" / "session_latest" / "logs"
    logs.mkdir(parents=True)
    (logs / "worker-a-01-1.err").write_text(event("btc-5m/1", "started", 1))
    assert run(["logs", "btc-5m", "--state", str(tmp_path)]) == 0
    assert "btc-5m/1" in capsys.readouterr().out
    assert run(["logs", "eth-5m", "--state", str(tmp_path)]) == 1
    assert "there are lines of: btc-5m" in capsys.readouterr().err
