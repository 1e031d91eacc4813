"""Record the venue's public market stream beside a paper fleet: another client, as a person's.

It follows the tokens of open markets that the paper store names, and keeps every frame as it came.
"""

import asyncio
import contextlib
import json
import threading
from pathlib import Path
from typing import Final, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.judge_paper import Tape, is_paper, read_tape, rows

POLL_S: Final = 0.5
PING_S: Final = 5.0


class Recorder:
    """Use as a context; `tape` after it."""

    def __init__(self, url: str, storage: Path) -> None:
        self._url = url
        self._storage = storage
        self._lines: list[str] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def tape(self) -> Tape:
        return read_tape(iter(self._lines))

    async def _run(self) -> None:
        while not self._end.is_set():
            with contextlib.suppress(OSError, WebSocketException):
                async with connect(self._url, max_size=None) as socket:
                    await self._follow(socket)
            await asyncio.sleep(POLL_S)

    async def _follow(self, socket: ClientConnection) -> None:
        reader = asyncio.create_task(self._read(socket))
        known: set[str] = set()
        pinged = 0.0
        try:
            while not self._end.is_set() and not reader.done():
                fresh = self._tokens() - known
                if fresh:
                    word = {"operation": "subscribe"} if known else {"type": "market"}
                    await socket.send(json.dumps({**word, "assets_ids": sorted(fresh)}))
                    known |= fresh
                now = asyncio.get_running_loop().time()
                if known and now - pinged > PING_S:
                    await socket.send("PING")
                    pinged = now
                await asyncio.sleep(POLL_S)
        finally:
            reader.cancel()

    async def _read(self, socket: ClientConnection) -> None:
        async for text in socket:
            if text[:1] in ("[", "{", b"[", b"{"):
                self._lines.append(text if isinstance(text, str) else text.decode())

    def _tokens(self) -> set[str]:
        if not is_paper(self._storage):
            return set()
        found = rows(self._storage)
        over = {row["condition_id"] for row in found if row["type"] == "paper_resolved"}
        return {
            row[name]
            for row in found
            if row["type"] == "paper_market" and row["condition_id"] not in over
            for name in ("up_token_id", "down_token_id")
        }
