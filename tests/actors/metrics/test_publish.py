"""Ray takes each gauge of the table; a fault of the figures stops nobody."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from actors.metrics.publish import FleetMetrics
from actors.metrics.table import METRICS
from actors.supervisor.alarm_sinks import Latched
from tests.actors.metrics.fleets import whole_fleet
from tests.actors.supervisor.watchers import config


class Gauges:
    """What was set, in place of Ray's."""

    def __init__(self) -> None:
        self.values: list[tuple[str, float, dict[str, str]]] = []
        self.first = asyncio.Event()

    def __call__(self, name: str, description: str, labels: tuple[str, ...]) -> Any:
        assert description
        gauges = self

        class One:
            def set(self, value: float, tags: dict[str, str]) -> None:
                assert set(tags) == set(labels)
                gauges.values.append((name, value, tags))
                gauges.first.set()

        return One()


@pytest.fixture
def gauges(monkeypatch: pytest.MonkeyPatch) -> Gauges:
    found = Gauges()
    monkeypatch.setattr("actors.metrics.publish.Gauge", found)
    return found


def test_ray_takes_every_name_and_label_of_the_table(tmp_path: Path) -> None:
    made = FleetMetrics(config(tmp_path))
    assert set(made._gauges) == set(METRICS)


def test_each_figure_is_set_at_each_round_because_ray_lets_go_of_others(
    tmp_path: Path, gauges: Gauges
) -> None:
    metrics, watch = FleetMetrics(config(tmp_path)), whole_fleet()
    metrics.publish(watch.state, Latched(), watch.now_ms, watch.now_ms)
    first = [(name, tags) for name, _, tags in gauges.values]
    gauges.values.clear()
    metrics.publish(watch.state, Latched(), watch.now_ms, watch.now_ms)
    assert [(name, tags) for name, _, tags in gauges.values] == first


def test_a_fault_of_the_figures_ends_neither_the_task_nor_the_watch(
    tmp_path: Path, gauges: Gauges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.metrics.publish.PUBLISH_SECONDS", 0)
    metrics, watch = FleetMetrics(config(tmp_path)), whole_fleet()
    calls: list[int] = []

    def reads() -> Any:
        calls.append(1)
        if len(calls) < 3:
            raise RuntimeError("a figure that cannot be read")
        return watch.state, Latched(), watch.now_ms, watch.now_ms

    async def play() -> None:
        task = asyncio.create_task(metrics.run(reads))
        await gauges.first.wait()
        task.cancel()

    asyncio.run(asyncio.wait_for(play(), 60))
    assert len(calls) >= 3
