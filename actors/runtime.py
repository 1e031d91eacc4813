"""What every shell needs from its process: wire time, identity, configuration, log events."""

import asyncio
import datetime as dt
import gc
import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

from actors.clock import follow_fleet
from actors.clock import wire_ms as wire_ms  # noqa: PLC0414 every shell takes it from here
from actors.config import FleetConfig
from actors.machine.pump import CAUSE
from checkpoints.errors import DamagedError
from checkpoints.process_id import ProcessId
from checkpoints.small_file import from_json, read_file

CONFIG_FILE = "config/current.json"
"""Under the storage root; written by launch, read once by each life."""
RAY_NAMESPACE = "midstride"


def life_id() -> str:
    """Name this process start: ``<pid>-<start ticks>``."""
    return ProcessId.own().life


def load_config(storage_root: str) -> FleetConfig:
    """Read the frozen configuration; raise `FileNotFoundError` before the first launch.

    Raises `DamagedError` where it cannot be read. From then on this process reads the fleet's own
    time, see `actors.clock`.
    """
    path = Path(storage_root) / CONFIG_FILE
    try:
        config = from_json(read_file(path), FleetConfig, f"{path}, the fleet's configuration,")
    except FileNotFoundError:
        raise
    except NotADirectoryError as error:  # a file stands where the storage would be
        raise FileNotFoundError(str(path)) from error
    except OSError as error:
        raise DamagedError(
            f"{path}, the fleet's configuration, cannot be read ({error.strerror})"
        ) from error
    follow_fleet(config.clock)
    return config


_log_labels: dict[str, str] = {}


def label_logs(**labels: str) -> None:
    """Put these fields into every event that this process logs from now on."""
    _log_labels.update(labels)


def log_event(event: str, **fields: str | float | bool | None) -> None:
    """Log one event with its fields as a JSON line; never pass a secret.

    Every line has ``time`` (UTC, milliseconds) and the process's own labels: actor and release.
    What a machine's pump runs also has ``cause``: lines of one first event have the same one.
    """
    now = dt.datetime.fromtimestamp(wire_ms() / 1_000, dt.UTC)
    cause = {"cause": cause} if (cause := CAUSE.get()) else {}
    time = now.isoformat(timespec="milliseconds")
    line = {"event": event, **_log_labels, **cause, **fields, "time": time}
    logging.getLogger("midstride").info(json.dumps(line, sort_keys=True))


def start_logging(actor: str) -> None:
    """Send the project's log events to this process's stderr, one JSON line each."""
    label_logs(actor=actor)
    logger = logging.getLogger("midstride")
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False


def keep_loaded() -> None:
    """Leave all that is loaded by now out of garbage collection; call it once, when started.

    A full collection looks at every object of Ray and of the SDK: 40 to 120 ms of a core, at a
    moment that may be a decision's.
    """
    gc.freeze()


def end_on_fault(event: str) -> "Callable[[asyncio.Task[None]], None]":
    """Return what ends this process when a task has failed: without it it would only look alive."""

    def ended(task: "asyncio.Task[None]") -> None:
        fault = None if task.cancelled() else task.exception()
        if fault is not None:
            log_event(event, reason=repr(fault))
            os._exit(1)

    return ended
