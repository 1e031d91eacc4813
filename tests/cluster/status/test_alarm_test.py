"""`alarms test`: a message to each sink of the stored configuration, with what came of it."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from actors.config import AlarmSinks
from actors.runtime import CONFIG_FILE
from checkpoints.alarms import AlarmStore
from checkpoints.storage import LocalStorage
from cluster.commands.alarms import command
from cluster.errors import FleetError
from tests.actors.supervisor.watchers import config
from tests.cluster.deploy.outside import receiver


def asked(root: Path, sinks: AlarmSinks) -> Result:
    """Run the command on a folder whose fleet was started with these sinks."""
    storage = LocalStorage(root / "storage")
    stored = msgspec.structs.replace(config(root / "storage"), alarms=sinks)
    storage.write(CONFIG_FILE, msgspec.json.encode(stored))
    return CliRunner().invoke(command, ["test", f"--state={root}"], standalone_mode=False)


def test_both_sinks_get_one_message_and_nothing_latches(tmp_path: Path) -> None:
    told = tmp_path / "told"
    with receiver() as service:
        done = asked(tmp_path, AlarmSinks(webhook_url=service.url, command=f"cat > '{told}'"))
        assert done.return_value == 0, done.output
        assert service.bodies[0]["kind"] == "test"
    assert "nothing is wrong" in told.read_text()
    assert "webhook: taken" in done.output
    assert AlarmStore(LocalStorage(tmp_path / "storage")).history() == []


def test_a_sink_that_does_not_take_it_is_named_with_the_reason(tmp_path: Path) -> None:
    done = asked(tmp_path, AlarmSinks(webhook_url="http://127.0.0.1:9/secret", command="exit 3"))
    assert done.return_value == 1
    assert "webhook: not taken: ConnectError" in done.output
    assert "command: not taken: exit 3" in done.output
    assert "secret" not in done.output


def test_a_fleet_without_a_sink_is_told_so(tmp_path: Path) -> None:
    done = asked(tmp_path, AlarmSinks())
    assert isinstance(done.exception, FleetError)
    assert "nobody is told" in str(done.exception)


def test_a_folder_without_a_fleet_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["test", f"--state={tmp_path}"], standalone_mode=False)
    assert isinstance(done.exception, FleetError)
    assert str(tmp_path) in str(done.exception)


@pytest.mark.parametrize("word", ["--json", "extra"])
def test_it_takes_no_other_word(tmp_path: Path, word: str) -> None:
    done = CliRunner().invoke(command, ["test", f"--state={tmp_path}", word])
    assert done.exit_code == 2
