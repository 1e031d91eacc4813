"""The files of a server: filled in, taken by the programs that read them, secrets kept."""

import json
import re
import stat
from pathlib import Path

import pytest
import yaml

from actors.metrics.table import METRICS
from cluster.deploy.dashboard import FILE, PANELS, text
from cluster.deploy.files import KEPT, Place, templates, write_files
from cluster.errors import ClusterError
from cluster.local.state_folder import StateFolder
from tests.cluster.deploy.tools import run
from tests.metrics_page import PAGE, page

NAMES = re.compile(r"\bray_midstride_\w+")


def place(folder: Path, **fields: str) -> Place:
    known = {"webhook": "http://127.0.0.1:9095/", "user": "trader", **fields}
    return Place(state=StateFolder(folder / "state"), folder=folder / "out", **known)


def written(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text(encoding="utf-8") for file in write_files(place(folder))}


def test_every_template_is_written_whole_and_for_this_user_alone(tmp_path: Path) -> None:
    texts = written(tmp_path)
    assert set(texts) == {template.name for template in templates()}
    for name, body in texts.items():
        assert name == "alert_rules.yml" or "{{" not in body, name
        assert stat.S_IMODE((tmp_path / "out" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700


def test_prometheus_and_alertmanager_take_what_was_written(tmp_path: Path) -> None:
    written(tmp_path)
    assert "SUCCESS" in run("promtool", "check", "config", str(tmp_path / "out/prometheus.yml"))
    assert "SUCCESS" in run("amtool", "check-config", str(tmp_path / "out/alertmanager.yml"))


def test_prometheus_follows_rays_list_and_keeps_the_fleets_series(tmp_path: Path) -> None:
    config = yaml.safe_load(written(tmp_path)["prometheus.yml"])
    (job,) = config["scrape_configs"]
    (file,) = job["file_sd_configs"][0]["files"]
    assert Path(file).parent == StateFolder(tmp_path / "state").ray
    (keep,) = job["metric_relabel_configs"]
    for row in METRICS.values():
        assert re.fullmatch(keep["regex"], row.exported)
    assert not re.fullmatch(KEPT, "ray_grpc_server_req_new_total")


@pytest.mark.parametrize(
    "text_", ['http://a/"', "http://a/\n", "http://a/\\", "http://a/\r", "http://a/\x85"]
)
def test_an_address_that_would_break_the_file_is_refused(tmp_path: Path, text_: str) -> None:
    with pytest.raises(ClusterError, match="webhook may hold no quote"):
        list(write_files(place(tmp_path, webhook=text_)))


@pytest.mark.parametrize("name", ["my state", "100%", "$HOME", "it's"])
def test_a_path_that_a_unit_would_read_otherwise_is_refused(tmp_path: Path, name: str) -> None:
    odd = place(tmp_path)
    odd = Place(state=StateFolder(tmp_path / name), folder=odd.folder, webhook="", user="a")
    with pytest.raises(ClusterError, match="state stands in a unit"):
        list(write_files(odd))
    assert not odd.folder.exists()


@pytest.mark.parametrize("name", ["alertmanager", "prometheus", "user", "mode"])
def test_every_name_that_stands_in_a_unit_is_held_to_its_syntax(tmp_path: Path, name: str) -> None:
    with pytest.raises(ClusterError, match=f"{name} stands in a unit"):
        list(write_files(place(tmp_path, **{name: "127.0.0.1:9093 --web.enable-admin-api"})))


def test_the_board_is_what_its_table_says() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "run `python -m cluster.deploy.dashboard`"
    ids = [panel["id"] for panel in json.loads(text())["panels"]]
    assert len(ids) == len(set(ids)) == len(PANELS)


def test_the_boards_expressions_are_promql_of_metrics_that_there_are(tmp_path: Path) -> None:
    expressions = [expr for panel in PANELS for expr, _ in panel.lines]
    rules = [{"record": f"panel:{i}", "expr": expr} for i, expr in enumerate(expressions)]
    file = tmp_path / "board.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}))
    assert f"{len(rules)} rules found" in run("promtool", "check", "rules", str(file))
    known = {row.exported for row in METRICS.values()}
    assert set(NAMES.findall(" ".join(expressions))) <= known


def test_the_page_of_metrics_is_what_the_table_says() -> None:
    text_ = PAGE.read_text(encoding="utf-8")
    assert page(text_) == text_, "run `python -m tests.metrics_page`"
