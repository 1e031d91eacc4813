"""The files of a server, from the templates beside this module: ``{{ name }}`` is filled in."""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from cluster.errors import ClusterError
from cluster.local.durable_files import write_durably
from cluster.local.state_folder import StateFolder

HERE: Final = Path(__file__).parent
TREE: Final = HERE.parents[1]
PLACE: Final = re.compile(r"\{\{ (\w+) \}\}")
"""Prometheus' own templates begin with ``{{ $``."""
DISCOVERY: Final = "prom_metrics_service_discovery.json"
"""Ray's list of the ports where figures are told, in its folder."""
RAY_KEPT: Final = (
    "ray_node_cpu_utilization",
    "ray_node_cpu_count",
    "ray_node_mem_used",
    "ray_node_mem_total",
    "ray_node_disk_free",
    "ray_node_disk_usage",
    "ray_component_cpu_percentage",
    "ray_component_rss_mb",
    "ray_component_num_fds",
    "ray_cluster_active_nodes",
    "ray_actors",
    "ray_gcs_actors_count",
)
"""Of Ray's own thousand series those that help at night."""
KEPT: Final = "|".join(("ray_midstride_.*", *RAY_KEPT))


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What the templates name."""

    state: StateFolder
    folder: Path
    """Where the files go."""
    webhook: str
    """Address that gets Alertmanager's messages."""
    user: str
    alertmanager: str = "127.0.0.1:9093"
    prometheus: str = "127.0.0.1:9090"
    config: Path = HERE.parent / "configs" / "live.toml"
    mode: str = "live"
    tree: Path = TREE

    def names(self) -> Mapping[str, str]:
        return {
            "rules": str(self.folder / "alert_rules.yml"),
            "discovery": str(self.state.ray / DISCOVERY),
            "alertmanager": self.alertmanager,
            "prometheus": self.prometheus,
            "kept": KEPT,
            "webhook": self.webhook,
            "folder": str(self.folder),
            "state": str(self.state.root),
            "tree": str(self.tree),
            "python": sys.executable,
            "config": str(self.config),
            "mode": self.mode,
            "user": self.user,
        }


def templates() -> list[Path]:
    return sorted([*HERE.glob("*.yml"), *HERE.glob("units/*.service")])


def names_in_units() -> frozenset[str]:
    """Return the names that stand in a unit of systemd, which has a syntax of its own."""
    units = (unit.read_text(encoding="utf-8") for unit in HERE.glob("units/*.service"))
    return frozenset(name for text in units for name in PLACE.findall(text))


def filled(text: str, names: Mapping[str, str]) -> str:
    """Fill in each name; raise `KeyError` for one that nobody knows."""
    return PLACE.sub(lambda found: names[found[1]], text)


def write_files(place: Place) -> Iterator[Path]:
    """Write each file, readable by this user; raise `ClusterError`."""
    names, in_units = place.names(), names_in_units()
    for key, value in names.items():
        if not value.isprintable() or any(char in value for char in '"\\'):
            raise ClusterError(f"{key} may hold no quote, backslash or line break: {value!r}")
        if key in in_units and any(char in value for char in " \t%$'"):
            raise ClusterError(
                f"{key} stands in a unit of systemd, where a blank, %, $ or ' means something "
                f"else; name another than {value!r}"
            )
    place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for template in templates():
        file = place.folder / template.name
        text = template.read_text(encoding="utf-8")
        plain = template.name == "alert_rules.yml"  # its own templates are Prometheus'
        write_durably(file, (text if plain else filled(text, names)).encode())
        yield file
