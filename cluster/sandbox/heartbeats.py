"""The dead man's switch: once armed, ten seconds of silence cancel all of an account's orders."""

import hashlib

import msgspec

from cluster.sandbox.floor import Floor
from cluster.sandbox.model import CancelReason, HeartbeatResult, Now, OrderState
from cluster.sandbox.orders import Orders
from cluster.sandbox.records import HeartbeatArmed, HeartbeatLost


class _Beat(msgspec.Struct, kw_only=True):
    last_id: str
    last_wire_ms: int
    lost: bool = False


class Heartbeats:
    def __init__(self, floor: Floor, orders: Orders) -> None:
        self._floor = floor
        self._orders = orders
        self._beats: dict[str, _Beat] = {}

    def beat(self, api_key: str, heartbeat_id: str, now: Now) -> HeartbeatResult:
        """Accept the chain's last id, or an empty one where no chain exists yet.

        A wrong id is told the right one and does not count as a sign of life.
        """
        known = self._beats.get(api_key)
        if heartbeat_id != (known.last_id if known else ""):
            right = known.last_id if known else ""
            return HeartbeatResult(accepted=False, heartbeat_id=right)
        following = self._name(api_key, now)
        self._beats[api_key] = _Beat(last_id=following, last_wire_ms=now.wire_ms)
        if api_key not in self._floor.state.armed:
            self._floor.record(HeartbeatArmed(api_key=api_key), now)
        return HeartbeatResult(accepted=True, heartbeat_id=following)

    def watch(self, now: Now) -> None:
        """Cancel what belongs to accounts that fell silent, and what they place while silent."""
        for api_key in self._floor.state.armed:
            beat = self._beats.setdefault(api_key, _Beat(last_id="", last_wire_ms=now.wire_ms))
            silent_ms = now.wire_ms - beat.last_wire_ms
            if silent_ms >= self._floor.config.heartbeat_limit_wire_ms:
                self._lose(api_key, beat, silent_ms, now)

    def _lose(self, api_key: str, beat: _Beat, silent_ms: int, now: Now) -> None:
        account = self._floor.state.accounts[api_key]
        live = tuple(
            order.order_id for order in account.open.values() if order.state is OrderState.LIVE
        )
        if live and not beat.lost:
            self._floor.record(HeartbeatLost(api_key=api_key, silent_wire_ms=silent_ms), now)
            beat.lost = True
        self._orders.cancel(api_key, live, now, CancelReason.HEARTBEAT)

    def _name(self, api_key: str, now: Now) -> str:
        text = f"{self._floor.config.seed}/{api_key}/{now.wire_ms}/{len(self._beats)}"
        digest = hashlib.sha256(text.encode()).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
