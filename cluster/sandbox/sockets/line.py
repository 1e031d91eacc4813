"""One connected websocket: a bounded queue of frames, and the faults that befall them."""

import asyncio
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from cluster.sandbox.faults import SOCKET, Fault, FaultBoard, FaultKind

SEND_QUEUE_MAX: Final = 4_096
"""Frames waiting for one slow reader; beyond it the reader is cut off, as the venue does."""
REMEMBERED_MAX: Final = 512
"""Keys whose last frame is kept for a stale fault: markets come and go for days."""
SILENCE_S: Final = 30.0
"""Wire seconds. Clients are to send a PING every ten: two may be lost."""
CLOSE_SLOW: Final = 4_002
CLOSE_FAULT: Final = 1_012
"""Service restart: what a client sees when the venue drops its connections."""


class Line:
    """Frames towards one client. `offer` never blocks; `write` sends until the client is gone."""

    def __init__(self, websocket: WebSocket, route: str, faults: FaultBoard) -> None:
        self.websocket = websocket
        self.route = route
        self._faults = faults
        self._queue: asyncio.Queue[tuple[float, str]] = asyncio.Queue(SEND_QUEUE_MAX)
        self._held: str | None = None
        self._last: dict[str, str] = {}
        self._closing: int | None = None
        self._loop = asyncio.get_running_loop()

    silence_s: float | None = SILENCE_S
    """After so long without a frame of the client the socket is closed; None: never."""

    @property
    def subscribed(self) -> bool:
        """Say whether the client has said what it wants: PINGs are answered from then on."""
        return True

    def reply(self, frame: str) -> None:
        """Queue an answer to the client's own frame: no fault touches it."""
        self._put(frame, 0)

    def offer(self, frame: str, key: str) -> None:
        """Queue a feed frame; `key` (token, market or symbol) is what faults match on."""
        faults = {fault.kind: fault for fault in self._faults.take(SOCKET, self.route, key)}
        if FaultKind.DISCONNECT in faults:
            self.cut(CLOSE_FAULT)
            return
        if FaultKind.SILENT in faults:
            return
        if FaultKind.STALE in faults:
            repeated = self._last.get(key)
            if repeated is None:
                return
            frame = repeated
        else:
            self._remember(key, frame)
        self._deliver(frame, faults)

    def _remember(self, key: str, frame: str) -> None:
        self._last.pop(key, None)
        self._last[key] = frame
        if len(self._last) > REMEMBERED_MAX:
            del self._last[next(iter(self._last))]

    def _deliver(self, frame: str, faults: dict[FaultKind, Fault]) -> None:
        delay_ms = faults[FaultKind.DELAY].delay_ms if FaultKind.DELAY in faults else 0
        if FaultKind.REORDER in faults and self._held is None:
            self._held = frame
            return
        self._put(frame, delay_ms)
        if FaultKind.DUPLICATE in faults:
            self._put(frame, delay_ms)
        if self._held is not None:
            held, self._held = self._held, None
            self._put(held, delay_ms)

    def _put(self, frame: str, delay_ms: int) -> None:
        try:
            self._queue.put_nowait((self._loop.time() + delay_ms / 1_000, frame))
        except asyncio.QueueFull:
            self.cut(CLOSE_SLOW)

    def cut(self, code: int) -> None:
        """Close the connection with this code once the writer comes round."""
        if self._closing is None:
            self._closing = code
            while not self._queue.empty():
                self._queue.get_nowait()
            self._queue.put_nowait((0.0, ""))

    async def write(self) -> None:
        """Send queued frames in order until the client is gone or the line is cut."""
        try:
            while True:
                due, frame = await self._queue.get()
                if self._closing is not None:
                    await self.websocket.close(self._closing)
                    return
                wait_s = due - self._loop.time()
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                await self.websocket.send_text(frame)
        except (WebSocketDisconnect, RuntimeError):
            return  # the client left between two frames; the reader notices and cleans up
