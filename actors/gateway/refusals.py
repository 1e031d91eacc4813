"""Refusals in a row: what hits every order of the account, not one order's bad luck. Pure."""

from typing import Final

import msgspec

from actors.gateway.draft import Draft
from actors.gateway.refusal_row import RefusalRow

KIND: Final = "orders_refused"
ONE_ORDER: Final = frozenset(
    {
        "fak_not_filled",
        "fok_not_filled",
        "post_only_would_cross",
        "market_closed",
        "market_not_ready",
    }
)
"""Codes that say something of one order or market: they neither count nor end a row."""
ACTIONS: Final = {
    "not_enough_balance": "put collateral into the wallet, or approve the exchange to spend it; "
    "`status` shows balance and approval",
    "unauthorized": "the API key is not (or no longer) valid: check the trading key and this "
    "machine's clock, then restart the gateway, which makes a new API key",
    "region": "the venue does not serve this machine's region: run it where trading is allowed",
    "wallet_not_allowed": "new accounts trade through a deposit wallet: set venue.wallet to it",
    "signer_not_key": "venue.wallet belongs to another key: set the wallet of this trading key",
    "closed_only": "the venue allows this account to close positions only: ask its support",
    "account_banned": "the venue has banned this account: ask its support",
    "order_version": "the venue wants another form of order: update midstride",
    "market_unknown": "the venue's listing or book cannot be read: look at its status page",
    "collar": "the strategy's limits are far from the market: look at its fair value",
}
"""What a person should do, by code."""
ELSE: Final = "read the venue's words; `doctor` checks key, venue and clock"


def note_refused(draft: Draft, code: str, words: str) -> None:
    """Count a refusal; raise one alarm a kind when it lasts."""
    if code in ONE_ORDER:
        return
    before = draft.flight.refusals or RefusalRow(since_wire_ms=draft.wire_ms)
    counts = {**before.counts, code: before.counts.get(code, 0) + 1}
    row = msgspec.structs.replace(before, counts=counts, code=code, words=words)
    draft.flight.refusals = row
    if row.lasting:
        seconds = (draft.wire_ms - row.since_wire_ms) // 1_000
        evidence = f"{row.total} orders refused in {seconds} s, none passed; the newest: {words}"
        draft.alarm(KIND, code, ACTIONS.get(code, ELSE), evidence)


def note_passed(draft: Draft) -> None:
    """An order passed: what was refused before is over, and its alarms end."""
    draft.flight.refusals = None
    draft.end_alarm(KIND, "", "orders pass again")
