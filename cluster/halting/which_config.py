"""Which account a halt empties: from the storage, else from a configuration file that is left.

Only the mode and the table [venue] count here, so a file whose other tables are wrong still serves.
"""

from pathlib import Path

from actors.config import FleetConfig, Mode
from actors.gateway.lock import LOCK_FILE
from actors.runtime import load_config
from actors.venue.kinds import VenueKind, kind_of
from actors.venue.storage_mark import kind_in
from checkpoints.errors import CheckpointsError
from cluster.config.load import build_config, read_document
from cluster.config.venue import Deployment, read_venue
from cluster.errors import ClusterError
from cluster.halting.halt import Unreadable
from cluster.local.sandbox_process import SandboxReady, deployment_from, read_ready
from cluster.local.state_folder import StateFolder
from signals.market_time import MarketClock
from signals.params import Params


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
    doubt = _doubt(folder, kind_of(launched))
    if doubt is not None:
        return Unreadable(
            f"{stored}, and by {folder.config} alone this would be a {kind_of(launched)} fleet, "
            f"where {doubt}"
        )
    return launched


def _doubt(folder: StateFolder, kind: VenueKind) -> str | None:
    """Say why the file of the launch does not tell the fleet's kind; None where it does.

    A rehearsal is launched from a live file. Its storage is marked, and the record of its exchange
    names the addresses; where both are gone, nobody may take its file for real money's.
    """
    marked = kind_in(folder.storage)
    if marked is not None:
        return None if marked is kind else f"the storage is a {marked} fleet's"
    if not kind.trades_real_money or _ready(folder) is not None:
        return None
    return "nothing else in the folder says that it trades with real money"


def _from_file(folder: StateFolder, file: Path) -> FleetConfig | Unreadable:
    """Read a file's account, whatever else is wrong in it."""
    try:
        document = read_document(file)
        deployment = _deployment(folder)
        mode = Mode(document["mode"])
        venue = read_venue(str(file), document.get("venue", {}), deployment, mode)
    except (ClusterError, OSError) as error:
        return Unreadable(str(error))
    return FleetConfig(
        mode=mode,
        storage=deployment.storage,
        clock=deployment.clock,
        venue=venue,
        slots=(),
        params=Params(),
    )


def config_on_a_sandbox(folder: StateFolder) -> FleetConfig:
    """Return a configuration on the folder's own exchange; raise `ConfigError`."""
    return build_config("drill", {"mode": "sandbox"}, _deployment(folder))


def _deployment(folder: StateFolder) -> Deployment:
    key = folder.private_key if folder.private_key.exists() else None
    ready = _ready(folder)
    if ready is not None:
        return deployment_from(ready, folder.storage, key)
    return Deployment(
        storage=str(folder.storage),
        clock=MarketClock(),
        venue={},
        private_key_file=str(key) if key else None,
    )


def _ready(folder: StateFolder) -> SandboxReady | None:
    """Return what the start recorded of the exchange; a live start records that there is none."""
    try:
        return read_ready(folder.sandbox_ready)
    except (ClusterError, OSError):
        return None
