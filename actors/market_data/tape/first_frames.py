"""Keep the first real frames of each kind, without anything that names a person or an account."""

import re
from pathlib import Path
from typing import Any, Final

import msgspec

KEPT_OF_A_KIND: Final = 3
KINDS_MAX: Final = 200
"""A stranger could send ever new kinds."""
FRAME_BYTES_MAX: Final = 200_000
STRIPPED: Final = "stripped"
PERSONAL: Final = frozenset(
    {
        *("owner", "maker", "taker", "signer", "user", "users", "address", "wallet", "proxy"),
        *("maker_address", "taker_address", "trade_owner", "proxywallet", "proxy_wallet"),
        *("apikey", "api_key", "key", "secret", "passphrase", "signature", "authorization"),
        *("order_id", "orderid", "taker_order_id", "maker_order_id", "oid", "cloid", "salt"),
        *("trade_id", "tradeids", "transactionid", "transaction_hash", "transactionhashes"),
        *("transactionshashes", "hash", "tx_hash", "ip", "email", "name", "pseudonym", "rid"),
        *("connection_id", "connectionid", "conn_id", "session", "cookie", "nonce", "id"),
    }
)
"""Names of fields whose values go, in lower case."""
PUBLIC: Final = frozenset({"asset_id", "assets_ids", "market", "condition_id", "conditionid"})
"""Names whose values stay though they look like an account's."""
SECRETS: Final = re.compile(
    r"0x[0-9a-fA-F]{40,}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|[\w.+-]+@[\w-]+\.[\w.]+|\b\d{1,3}(?:\.\d{1,3}){3}\b"
)
"""Addresses, signatures and hashes; connection ids and API keys; mail addresses; IP addresses."""
KIND_KEYS: Final = ("event_type", "type", "op", "channel", "e", "topic", "stream")
DEPTH_MAX: Final = 30


def stripped(value: Any, name: str = "", depth: int = 0) -> Any:
    """Return a decoded body with the values of personal fields, and what looks like one, gone."""
    if depth > DEPTH_MAX:
        return STRIPPED
    if isinstance(value, dict):
        return {key: stripped(one, str(key).lower(), depth + 1) for key, one in value.items()}
    if name in PUBLIC:
        return value
    if name in PERSONAL and not (value is None or isinstance(value, bool)):
        return STRIPPED
    if isinstance(value, list):
        return [stripped(one, name, depth + 1) for one in value]
    return SECRETS.sub(STRIPPED, value) if isinstance(value, str) else value


def kind_of(value: Any) -> str:
    """Name the kind of a decoded body: by its own word for it, else by its fields."""
    row = value[0] if isinstance(value, list) and value else value
    if not isinstance(row, dict):
        return type(row).__name__
    for key in KIND_KEYS:
        if isinstance(row.get(key), str):
            return str(row[key])[:60]
    return "-".join(sorted(map(str, row)))[:60]


def _head(frame: bytes) -> bytes:
    """Return what tells a frame's kind without decoding it, as far as that is possible."""
    start = frame.find(b'"event_type"')
    if start < 0:
        return frame[:12]
    end = frame.find(b'"', start + 14)
    return frame[start:end]


class FirstFrames:
    """Keeps a few of each stream and kind, in files of their own; later it costs nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._counts: dict[str, int] = {}
        self._heads: set[tuple[str, bytes]] = set()

    def offer(self, stream: str, frame: bytes) -> None:
        """Keep this frame if few of its kind are kept. Raises `OSError`."""
        head = (stream, _head(frame))
        if head in self._heads or len(frame) > FRAME_BYTES_MAX:
            return
        try:
            value = msgspec.json.decode(frame)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            value = frame[:200].decode("utf-8", "replace")
        kind = re.sub(r"[^\w.-]", "_", f"{stream}-{kind_of(value)}")[:100]
        count = self._counts.get(kind, 0)
        if count >= KEPT_OF_A_KIND or len(self._counts) >= KINDS_MAX:
            if len(self._heads) < KINDS_MAX:
                self._heads.add(head)
            return
        self._counts[kind] = count + 1
        path = self._folder / f"{kind}-{count + 1}.json"
        if not path.exists():  # of an earlier life: the first ones count
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(msgspec.json.format(msgspec.json.encode(stripped(value))))
