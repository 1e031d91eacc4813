"""House rules that no linter knows."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.states_page import PAGE, page

ROOT = Path(__file__).parents[2]
LINES_MAX = 300
TEST_LINES_MAX = 500
"""Tables of cases are read line by line, not as one thought."""
LONG_FOR_A_REASON = {
    "actors/messages.py": "the whole vocabulary between actors in one place",
    "cluster/replay/decider.py": "runs alone inside a release of any age: it can import no part",
}
BANNED_NAMES = re.compile(r"(^|_)(utils?|helpers?|common|base|manager)(_|\.|$)")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")
MACHINE_PATHS = re.compile(
    r"(/(root|work)/|/home/[a-z]|(?<!no-emit-)(index-url|find-links)|://[^\s]*pypi)"
)
TOP_LEVEL = {"signals", "checkpoints", "actors", "cluster", "tests", "docs", ".ci"}


def tracked() -> list[Path]:
    try:
        listed = subprocess.run(
            ["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=True
        ).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        return [path for name in TOP_LEVEL for path in (ROOT / name).rglob("*.*")]
    return [ROOT / name for name in listed if name and (ROOT / name).exists()]


FILES = tracked()
PYTHON = [path for path in FILES if path.suffix == ".py"]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_is_longer_than_a_person_reads_at_once() -> None:
    lines = {name_of(path): len(path.read_text().splitlines()) for path in PYTHON}
    limits = {name: TEST_LINES_MAX if name.startswith("tests/") else LINES_MAX for name in lines}
    long = [name for name, count in lines.items() if count > limits[name]]
    assert [name for name in long if name not in LONG_FOR_A_REASON] == []


def test_no_module_is_named_for_nothing() -> None:
    assert [name_of(path) for path in PYTHON if BANNED_NAMES.search(path.stem)] == []


def test_nothing_is_left_for_later() -> None:
    found = [p for p in PYTHON if p != Path(__file__) and UNFINISHED.search(p.read_text())]
    assert [name_of(path) for path in found] == []


def test_no_path_of_one_machine_and_no_registry_is_written_down() -> None:
    texts = {".py", ".toml", ".md", ".yaml", ".lock", ""}
    found = [
        name_of(path)
        for path in FILES
        if path.suffix in texts
        and path != Path(__file__)
        and MACHINE_PATHS.search(path.read_text(errors="replace"))
    ]
    assert found == []


def test_the_top_level_is_what_the_design_says_and_has_no_code_file() -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in FILES if path.parent != ROOT}
    assert folders <= TOP_LEVEL
    assert [path.name for path in PYTHON if path.parent == ROOT] == []


def locked(name: str) -> set[str]:
    lock = (ROOT / name).read_text()
    pin = r"^([a-z0-9-]+)(\[[^\]]*\])?=="
    pins = re.findall(pin + r"[^\\]*\\\n +--hash=sha256:", lock, re.MULTILINE)
    assert len(pins) == len(re.findall(pin, lock, re.MULTILINE))
    return {package for package, _ in pins}


def test_the_locks_have_a_hash_for_each_package_and_name_every_dependency() -> None:
    user, dev = locked("requirements.lock"), locked("requirements-dev.lock")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for requirement in project["project"]["dependencies"]:
        assert re.split(r"[\[=<>]", requirement)[0] in user
    for requirement in project["dependency-groups"]["dev"]:
        assert re.split(r"[\[=<>]", requirement)[0] in user | dev
    assert not user & dev, "what the second lock adds changes nothing of the first"


def test_make_test_and_ci_run_exactly_the_readmes_test_command() -> None:
    readme = (ROOT / "README.md").read_text()
    command = re.search(r"```sh test\n(.+)\n```", readme)
    assert command is not None
    line = command.group(1)
    makefile = (ROOT / "Makefile").read_text()
    assert f"\t{line.replace('.venv/bin/python', '$(PY)')}\n" in makefile
    first, *later = [entry for entry in ci_lines() if "pytest" in entry]
    assert first == f"{line} || code=$?"
    assert len(later) == 1, "only the second look at what failed"


def ci_lines() -> list[str]:
    text = (ROOT / ".ci" / "run").read_text()
    return [entry.strip() for entry in text.splitlines() if not entry.startswith("#")]


def test_ray_accepts_the_cluster_description() -> None:
    util = pytest.importorskip("ray.autoscaler._private.util")
    found = yaml.safe_load((ROOT / "ray-cluster.yaml").read_text())
    util.validate_config(util.prepare_config(found))


def test_the_page_of_states_is_what_the_machines_say() -> None:
    assert PAGE.read_text() == page()
