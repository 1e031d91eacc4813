"""What hostile clients send: numbers, names and bodies of any form."""

import json

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from cluster.sandbox.server.app import PREFIXES

FINE = range(200, 500)
ARABIC = "\u0661\u0667"
FEW = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


ORDER = {
    "salt": 1,
    "maker": "0x" + "ab" * 20,
    "signer": "0x" + "ab" * 20,
    "tokenId": "77",
    "makerAmount": "5000000",
    "takerAmount": "10000000",
    "side": "BUY",
    "signatureType": 3,
    "timestamp": "1795357000000",
    "metadata": "0x" + "00" * 32,
    "builder": "0x" + "00" * 32,
    "signature": "0x" + "11" * 65,
    "expiration": "0",
}


ROUTES = [
    (entry.method, prefix + entry.path) for prefix, table in PREFIXES.items() for entry in table
]
NASTY = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [ARABIC, "9" * 400, "-1", "1e999", "NaN", "%00", "\u0000", "..", "btc-updown-5m-0"]
    ),
    st.integers(-(2**80), 2**80).map(str),
    st.integers(0, 4 * 10**12).map(str),
)
FIELD_NAMES = (
    "token_id",
    "symbol",
    "limit",
    "startTime",
    "endTime",
    "interval",
    "period",
    "market",
    "asset_id",
    "id",
    "next_cursor",
    "after",
    "before",
    "slug",
    "condition_ids",
    "closed",
    "series_id",
    "asset_type",
    "side",
    "user",
    "cursor",
    "start",
    "end",
    "fidelity",
    "after_cursor",
    "order_id",
    "orderID",
    "condition_id",
    "tag_slug",
)
FIELDS = st.sampled_from(FIELD_NAMES)
KNOWN = st.sampled_from(["BTCUSDT", "5m", "COLLATERAL", "CONDITIONAL", "BUY", "77", "true"])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | NASTY
    | st.sampled_from(list(ORDER.values())),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(FIELDS | st.sampled_from(list(ORDER)), inner, max_size=6)
    ),
    max_leaves=12,
)
BODIES = st.one_of(
    st.binary(max_size=60),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(
        [b"[" * 20_000, b'{"a":' * 20_000, b'{"order":{},"order":[]}', b'"\\ud800"', b"1" * 5_000]
    ),
)
