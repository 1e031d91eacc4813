"""The dead man's switch: once armed, ten seconds of silence cancel all of an account's orders."""

import hashlib

import msgspec

from cluster.sandbox.floor import Floor
from cluster.sandbox.model import CancelReason, HeartbeatResult, Now, OrderState
from cluster.sandbox.orders import Orders
from cluster.sandbox.records import HeartbeatArmed, HeartbeatLost


class _Life(msgspec.Struct, kw_only=True):
    last_wire_ms: int
    lost: bool = False


class Heartbeats:
    def __init__(self, floor: Floor, orders: Orders) -> None:
        self._floor = floor
        self._orders = orders
        self._expected: dict[str, str] = {}
        """Account -> the id that its next heartbeat must carry; none: an empty one."""
        self._lives: dict[str, _Life] = {}
        self._named = 0

    def beat(self, api_key: str, heartbeat_id: str, now: Now) -> HeartbeatResult:
        """Accept the chain's last id, or an empty one where no chain exists yet.

        A wrong id is told the right one and does not count as a sign of life.
        """
        if heartbeat_id != self._expected.get(api_key, ""):
            right = self._expected.get(api_key) or self._name(api_key, now)
            self._expected[api_key] = right
            return HeartbeatResult(accepted=False, heartbeat_id=right)
        following = self._expected[api_key] = self._name(api_key, now)
        self._lives[api_key] = _Life(last_wire_ms=now.wire_ms)
        if api_key not in self._floor.state.armed:
            self._floor.record(HeartbeatArmed(api_key=api_key), now)
        return HeartbeatResult(accepted=True, heartbeat_id=following)

    def watch(self, now: Now) -> None:
        """Cancel what belongs to accounts that fell silent, and what they place while silent."""
        for api_key in self._floor.state.armed:
            life = self._lives.setdefault(api_key, _Life(last_wire_ms=now.wire_ms))
            silent_ms = now.wire_ms - life.last_wire_ms
            if silent_ms >= self._floor.config.heartbeat_limit_wire_ms:
                self._lose(api_key, life, silent_ms, now)

    def _lose(self, api_key: str, life: _Life, silent_ms: int, now: Now) -> None:
        account = self._floor.state.accounts[api_key]
        live = tuple(
            order.order_id for order in account.open.values() if order.state is OrderState.LIVE
        )
        if live and not life.lost:
            self._floor.record(HeartbeatLost(api_key=api_key, silent_wire_ms=silent_ms), now)
            life.lost = True
        self._orders.cancel(api_key, live, now, CancelReason.HEARTBEAT)

    def _name(self, api_key: str, now: Now) -> str:
        self._named += 1
        text = f"{self._floor.config.seed}/{api_key}/{now.wire_ms}/{self._named}"
        digest = hashlib.sha256(text.encode()).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
