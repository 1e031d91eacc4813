"""A lock with another version: `update` is refused, and the way that it names leads out."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.rolling_update.fleet import Fleet, running_fleet

pytestmark = [pytest.mark.ray, pytest.mark.exchange, pytest.mark.nemesis, pytest.mark.timeout(900)]
SLOTS = ("btc-5m",)
PACKAGE, VERSION = "midstride-made-up", "1.0"


def environment_with(folder: Path) -> str:
    """Make an environment that has everything of this one and the package; return its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "beside.pth").write_text(sysconfig.get_path("purelib") + "\n")
    information = site / f"{PACKAGE.replace('-', '_')}-{VERSION}.dist-info"
    information.mkdir()
    text = f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {VERSION}\n"
    (information / "METADATA").write_text(text)
    return str(folder / "bin" / "python")


def update(fleet: Fleet, python: str = sys.executable) -> tuple[int, str]:
    fleet.clear_alarms()
    code, said = fleet.command("update", "--yes", python=python)
    return code, " ".join(said.split())


def test_stop_then_run_in_the_new_environment_then_update(tmp_path: Path) -> None:
    with running_fleet(tmp_path, SLOTS) as fleet:
        fleet.await_decisions(1)
        (first,) = fleet.releases()
        with (fleet.tree / "requirements.lock").open("a", encoding="utf-8") as lock:
            lock.write(f"{PACKAGE}=={VERSION}\n")
        code, said = update(fleet)
        assert code == 1, said
        assert f"requirements.lock names {PACKAGE} {VERSION} (which is not installed)" in said
        assert "`midstride stop`, `midstride run` in this tree" in said
        fleet.stop()
        python = environment_with(tmp_path / "environment")
        words = ("run", "--detach", f"--config={tmp_path / 'fleet.toml'}", "--speed=30")
        ports = fleet.state.read_run().ports.gcs
        code, said = fleet.command(*words, f"--head-port={ports}", python=python)
        assert code == 0, said
        assert "`midstride update` brings it into the slots" in said
        fleet.await_decisions(1)
        assert fleet.releases() == {first}
        code, said = update(fleet, python)
        assert code == 0, said
        fleet.await_decisions(1)
        assert fleet.releases() != {first}
        code, said = fleet.command("rolling-update", "rollback", python=python)
        assert code == 0, said
        fleet.await_decisions(1)
        assert fleet.releases() == {first}
