"""Which account a halt empties: from the storage, else from a configuration file that is left.

Only the mode and the table [venue] count here, so a file whose other tables are wrong still serves.
"""

from pathlib import Path
from typing import Any

from actors.config import FleetConfig
from actors.gateway.lock import LOCK_FILE
from actors.runtime import load_config
from checkpoints.errors import CheckpointsError
from cluster.config.errors import ConfigError
from cluster.config.load import build_config, read_document
from cluster.config.venue import Deployment
from cluster.errors import ClusterError
from cluster.halting.halt import Unreadable
from cluster.local.sandbox_process import read_ready
from cluster.local.state_folder import StateFolder
from signals.market_time import MarketClock

OF_THE_VENUE = ("mode", "venue")


def config_to_stop(folder: StateFolder, named: Path | None) -> FleetConfig | Unreadable | None:
    """Return the configuration of the account; None where no fleet was ever launched.

    `named`: a file that the operator points at; it goes before all else.
    """
    if named is not None:
        return _from_file(folder, named)
    try:
        return load_config(str(folder.storage))
    except FileNotFoundError:
        if not (folder.config.exists() or (folder.storage / LOCK_FILE).exists()):
            return None
        stored = "the fleet's stored configuration is gone"
    except CheckpointsError as error:
        stored = str(error)
    launched = _from_file(folder, folder.config)
    if isinstance(launched, Unreadable):
        return Unreadable(f"{stored}, and {launched.problem}")
    return launched


def _from_file(folder: StateFolder, file: Path) -> FleetConfig | Unreadable:
    try:
        document = read_document(file)
        deployment = _deployment(folder)
        try:
            return build_config(str(file), _venue_part(document), deployment)
        except ConfigError:
            return build_config(str(file), document, deployment)
    except (ClusterError, OSError) as error:
        return Unreadable(str(error))


def config_on_a_sandbox(folder: StateFolder) -> FleetConfig:
    """Return a configuration on the folder's own exchange; raise `ConfigError`."""
    return build_config("drill", {"mode": "sandbox"}, _deployment(folder))


def _venue_part(document: dict[str, Any]) -> dict[str, Any]:
    return {key: document[key] for key in OF_THE_VENUE if key in document}


def _deployment(folder: StateFolder) -> Deployment:
    key = str(folder.private_key) if folder.private_key.exists() else None
    try:
        ready = read_ready(folder.sandbox_ready)
    except (ClusterError, OSError):
        return Deployment(
            storage=str(folder.storage), clock=MarketClock(), venue={}, private_key_file=key
        )
    return Deployment(
        storage=str(folder.storage),
        clock=ready.clock,
        venue=ready.venue,
        exchanges=ready.exchanges,
        private_key_file=key,
    )
