"""Hand one message to a webhook or a command; say why it was not taken. A secret is never said."""

import asyncio
import contextlib
import functools
import os
import signal
import ssl
import stat
from pathlib import Path
from typing import Final

import httpx
import msgspec

from actors.config import AlarmSinks
from actors.supervisor.alarm_messages import Message

WEBHOOK_SECONDS: Final = 10.0
"""Wire, for the whole request: one that sends a byte a second ends as well."""
COMMAND_SECONDS: Final = 10.0
URL_BYTES_MAX: Final = 4_096
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


async def post(sinks: AlarmSinks, message: Message) -> str:
    """POST a message; return why it was not taken, or nothing."""
    url = await asyncio.to_thread(webhook_url, sinks)
    if isinstance(url, Path):
        return f"{url} must be a file of yours alone (chmod 600) with one address in it"
    tls = await asyncio.to_thread(_tls)
    headers = {"content-type": "application/json", "idempotency-key": message.key}
    try:
        async with (
            asyncio.timeout(WEBHOOK_SECONDS),
            httpx.AsyncClient(timeout=WEBHOOK_SECONDS, trust_env=False, verify=tls) as client,
            client.stream(
                "POST", url, content=msgspec.json.encode(message), headers=headers
            ) as answer,
        ):
            return "" if answer.is_success else f"status {answer.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, UnicodeError) as error:
        return type(error).__name__  # its text may hold the address, which is a secret


@functools.cache
def _tls() -> ssl.SSLContext:
    """Read the certificates once: it takes a tenth of a second, each time that it is done."""
    return httpx.create_ssl_context(trust_env=False)


def webhook_url(sinks: AlarmSinks) -> str | Path:
    """Return the address; the file's path where it names no private file with one line."""
    if not sinks.webhook_url_file:
        assert sinks.webhook_url is not None
        return sinks.webhook_url
    path = Path(os.path.expandvars(sinks.webhook_url_file))
    try:
        with path.open("rb") as file:
            kept = os.fstat(file.fileno())
            text = file.read(URL_BYTES_MAX).decode().strip()
    except (OSError, UnicodeDecodeError):
        return path
    private = not kept.st_mode & OTHERS and kept.st_uid in {os.getuid(), 0}
    return text if private and text and len(text.split()) == 1 else path


async def run_command(command: str, message: Message) -> str:
    """Run the operator's own command with the message on its stdin; it is configuration."""
    process = await asyncio.create_subprocess_shell(
        command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            await process.communicate(msgspec.json.encode(message))
    except TimeoutError:
        return f"no end in {COMMAND_SECONDS} s"
    finally:
        await _end(process)
    return f"exit {process.returncode}" if process.returncode else ""


async def _end(process: asyncio.subprocess.Process) -> None:
    """End what the shell has started with it, also when the supervisor is cancelled."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
