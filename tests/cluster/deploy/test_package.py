"""Units and container recipe: what can be verified without a server and without an engine."""

from pathlib import Path

import pytest

from cluster.deploy.files import TREE
from tests.package_check import CONTAINERFILE, container_lines, files_lines, recipe_faults

RECIPE = CONTAINERFILE.read_text(encoding="utf-8")


def test_units_and_files_are_taken_by_the_programs_that_are_here(tmp_path: Path) -> None:
    found = list(files_lines(tmp_path))
    assert [line for line in found if line.verdict == "wrong"] == []
    assert len(found) == 7, "files, two configurations, four units"


def test_a_unit_that_systemd_does_not_understand_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cluster.deploy import files
    from tests.cluster.deploy.tools import tool

    tool("systemd-analyze")
    bad = tmp_path / "bad.service"
    bad.write_text("[Service]\nType=nonsense\nExecStart=/no/such/program\n", encoding="utf-8")
    known = files.templates()
    monkeypatch.setattr(files, "templates", lambda: [*known, bad])
    found = {line.what: line.verdict for line in files_lines(tmp_path / "out")}
    assert found["bad.service"] == "wrong"


def test_the_container_recipe_is_as_it_says() -> None:
    assert list(recipe_faults(RECIPE)) == []
    assert next(container_lines(RECIPE)).verdict == "ok"


def test_the_page_of_what_grows_has_the_limits_of_the_code() -> None:
    from actors.config import GateConfig
    from checkpoints import checkpoint_store, journal_days, log
    from cluster.local.head import LOG_SIZE
    from cluster.local.ray_folder import SESSIONS_KEPT

    page = (TREE / "docs/deploy.md").read_text(encoding="utf-8")
    rotation = f"{int(LOG_SIZE['RAY_ROTATION_MAX_BYTES']) // 10**6} MB"
    for words in (
        f"each file {rotation} and {LOG_SIZE['RAY_ROTATION_BACKUP_COUNT']} older ones",
        f"the last {SESSIONS_KEPT} sessions",
        f"one Parquet file; {journal_days.JOURNAL_DAYS_KEPT:,} days",
        f"| snapshots | {journal_days.SNAPSHOT_DAYS_KEPT} days",
        f"{checkpoint_store.FULL_KEPT} whole ones and {checkpoint_store.DELTAS_KEPT} differences",
        f"the newest segment and {log.OLD_SEGMENTS_KEPT} before it",
        f"{GateConfig().rolls_per_day} rolls a day at most",
        f"{journal_days.DISK_WARNING_BYTES // 2**30} GiB free",
    ):
        assert words in page, words


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("USER 10001:10001", "USER root", "ends as root"),
        ("USER 10001:10001\n", "", "ends as root"),
        ("COPY signals signals", "COPY signal signals", "signal is not here"),
        ("--shm-size=512m", "--shm-size=64m", "smaller"),
        ("--read-only ", "", "read-only"),
        ("RUN .ci/venv python3", "RUN curl x | sh", "no lock"),
    ],
)
def test_a_recipe_with_a_fault_is_found(old: str, new: str, fault: str) -> None:
    assert old in RECIPE
    assert fault in "; ".join(recipe_faults(RECIPE.replace(old, new)))
