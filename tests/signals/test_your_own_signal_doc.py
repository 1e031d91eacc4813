"""docs/your-own-signal.md as it stands: its file is written, its commands are run."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "your-own-signal.md").read_text(encoding="utf-8")
TRY_SECONDS_MAX = 300
"""A run takes a few seconds; the rest is for a busy machine."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the code with an environment that counts as prepared."""
    unwanted = shutil.ignore_patterns("__pycache__")
    for package in ("signals", "checkpoints", "actors", "cluster"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=unwanted)
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy2(ROOT / name, tmp_path / name)
    environment = tmp_path / ".venv"
    environment.mkdir()
    for part in Path(sys.prefix).iterdir():
        if not part.name.startswith(".made"):
            (environment / part.name).symlink_to(part)
    (environment / ".made-from-lock").touch()
    return tmp_path


def test_the_file_of_the_page_runs_with_the_command_of_the_page(tree: Path) -> None:
    (named,) = re.findall(r"^Save this as `(signals/strategies/\w+\.py)`", TEXT, re.MULTILINE)
    (tree / named).write_text(blocks("python")[0], encoding="utf-8")
    (command,) = [line for block in blocks("sh") for line in block.splitlines()]
    assert command == f"make try SIGNAL={Path(named).stem}"
    done = subprocess.run(
        command.split(), cwd=tree, capture_output=True, text=True, timeout=TRY_SECONDS_MAX,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for part in ("DECISIONS", "TRADES", "CALIBRATION", "log-loss", "edge"):
        assert part in done.stdout
    fills = re.search(r"TRADES\s+(\d+) fills", done.stdout)
    assert fills is not None
    assert int(fills[1]) > 0


def test_the_page_shows_files_that_exist_and_a_configuration_that_parses() -> None:
    for path in re.findall(r"`((?:signals|tests|cluster)/[\w/]+\.\w+)`", TEXT):
        assert (ROOT / path).exists() or path.endswith("my_signal.py"), path
    (slots,) = blocks("toml")
    assert tomllib.loads(slots)["slots"]["btc-5m"] == {"strategy": "my_signal"}
