"""`python -m actors.redemption STORAGE`: the process that turns a fleet's winnings into cash.

It runs beside Ray, not in it: neither the death of the head nor that of the gateway stops it, and
it asks neither anything. What it knows is its log; the kernel lock beside it lets one run.
"""

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import Final

from actors.clock import instant
from actors.config import FleetConfig
from actors.live.guard import connect_redeeming_confirmed
from actors.machine.backoff import Backoff
from actors.redemption.alarms import RedeemerAlarms
from actors.redemption.log import AlreadyRedeemingError, Book, open_log, take_lock
from actors.redemption.loop import RedeemLoop
from actors.redemption.port import RedeemPort
from actors.redemption.state import State
from actors.runtime import load_config, log_event, start_logging
from actors.venue.keys import PrivateKeyError
from actors.venue.port import Rejected, Unknown, reason_of
from checkpoints.errors import CheckpointsError
from checkpoints.log import RecordLog

REQUEST_TIMEOUT_S: Final = 15.0
"""Wire. Relayer and nodes are slow at times; nothing of the trading path waits for them."""
CONNECTING: Final = Backoff(first_ms=1_000, most_ms=60_000)
UNUSABLE: Final = 2
"""Exit status: a person must act first."""


def main(arguments: list[str]) -> int:
    root = Path(arguments[0])
    start_logging("redeemer")
    try:
        config = load_config(str(root))
        lock = take_lock(root)
    except AlreadyRedeemingError as error:
        log_event("redeemer_not_needed", reason=str(error))
        return UNUSABLE
    except (CheckpointsError, OSError) as error:
        log_event("redeemer_failed", reason=str(error))
        return UNUSABLE
    del lock  # held until the process ends
    alarms = RedeemerAlarms(root, config)
    try:
        log, book = open_log(root)
        return asyncio.run(_run(config, log, book, alarms))
    except (CheckpointsError, OSError) as error:
        alarms.failed(str(error))
        return UNUSABLE


async def _run(config: FleetConfig, log: RecordLog, book: Book, alarms: RedeemerAlarms) -> int:
    stop = asyncio.Event()
    running = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, stop.set)
    stopped = asyncio.create_task(stop.wait())
    work = asyncio.create_task(_work(config, log, book, alarms))
    await asyncio.wait((stopped, work), return_when=asyncio.FIRST_COMPLETED)
    for task in (stopped, work):
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work
    log.close()
    return 0


async def _work(config: FleetConfig, log: RecordLog, book: Book, alarms: RedeemerAlarms) -> None:
    port = await _connected(config, alarms)
    alarms.works()
    log_event("redeemer_works", claims=len(book.open_claims), owed_micro_usd=book.owed_micro_usd)
    state = State(
        claims=book.claims,
        forgotten_micro_usd=book.forgotten_micro_usd,
        alarmed=alarms.latched(),
    )
    loop = RedeemLoop(
        port=port,
        log=log,
        state=state,
        now=lambda: instant(config.clock),
        alarm=alarms.deliver,
    )
    try:
        await loop.run()
    finally:
        await port.close()


async def _connected(config: FleetConfig, alarms: RedeemerAlarms) -> RedeemPort:
    """Open the wallet; what a person must correct is an alarm, and tried again."""
    failures = 0
    while True:
        try:
            port = await connect_redeeming_confirmed(config, REQUEST_TIMEOUT_S)
        except PrivateKeyError as error:
            port = Rejected(code="refused", message=str(error))
        if not isinstance(port, Rejected | Unknown):
            return port
        failures += 1
        log_event("redeemer_waits", reason=reason_of(port), failures=failures)
        if isinstance(port, Rejected):
            alarms.failed(port.message)
        await asyncio.sleep(CONNECTING.wait_s(failures))
