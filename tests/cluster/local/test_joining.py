"""A command's output is its own: what Ray pushes to every driver stays out of it."""

import re
import threading
from types import SimpleNamespace
from typing import Any

import pytest
import ray
from ray._private import worker

from cluster.local.joining import join_ray
from tests.rolling_update.trees import ROOT

WARNING = {"job_id": None, "error_message": "WARNING: 16 PYTHON worker processes have been started"}


class Pushed:
    """What Ray's head tells a driver: one warning, then the end."""

    def __init__(self, ended: threading.Event) -> None:
        self._ended = ended

    def subscribe(self) -> None:
        """Nothing to do."""

    def poll(self) -> tuple[None, dict[str, Any]]:
        self._ended.set()
        return None, WARNING


def listen() -> None:
    ended = threading.Event()
    job = SimpleNamespace(binary=lambda: b"")
    listener: Any = SimpleNamespace(gcs_error_subscriber=Pushed(ended), current_job_id=job)
    worker.listen_error_messages(listener, ended)


def test_a_warning_of_ray_is_not_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(worker, "_internal_kv_initialized", lambda: False)
    monkeypatch.setattr(worker, "print_to_stdstream", worker.print_to_stdstream)
    asked: dict[str, Any] = {}
    monkeypatch.setattr(ray, "init", lambda **words: asked.update(words))
    listen()
    assert "PYTHON worker" in capfd.readouterr().out, "Ray prints it by itself"
    join_ray(address="there")
    assert asked["address"] == "there"
    assert asked["log_to_driver"] is False
    listen()
    assert capfd.readouterr() == ("", "")


def test_no_other_place_of_ours_joins_ray() -> None:
    found = [
        str(file.relative_to(ROOT))
        for top in ("actors", "cluster", "checkpoints", "signals")
        for file in (ROOT / top).rglob("*.py")
        if re.search(r"(?<!`)\bray\.init\(", file.read_text(encoding="utf-8"))
    ]
    assert found == ["cluster/local/joining.py"]
