"""Why an order is not sent or not taken: each code, what it means and what a person does first.

The gateway's own codes come first, then the venue's, then those of an order that cannot be signed.
docs/messages.md is made from them; a test compares them with every code that can be given.
"""

from typing import Final

import msgspec

from actors.gateway.risk_market import FACTS_DIFFER

NOTHING: Final = "Nothing: the slot decides anew at its next decision point."
SIZE: Final = "Correct the strategy: it chose this size or price."


class RefusalCode(msgspec.Struct, frozen=True):
    code: str
    means: str
    remedy: str


OURS: Final = (
    RefusalCode("halted", "Trading is halted.", "`midstride trading resume` when you want to."),
    RefusalCode(
        "barred",
        "The gateway may not trade at present; the text says why.",
        "Correct what it names; `midstride status` shows the gateway.",
    ),
    RefusalCode(
        "wrong_release",
        "The release that asks is not the one that has the right to trade this slot.",
        "Nothing during a roll; else see the alarm `wrong_code`.",
    ),
    RefusalCode(
        "unattested",
        "Nobody approved the release that asks.",
        "`midstride gate list` shows what may trade; approve it or find out who started it.",
    ),
    RefusalCode("malformed", "Size or price is no valid number of the venue.", SIZE),
    RefusalCode("too_early", "The market's window has not opened.", SIZE),
    RefusalCode("stale", "The decision is too old to be sent.", NOTHING),
    RefusalCode("too_late", "The market closes too soon for this order.", NOTHING),
    RefusalCode(
        "clock_skew",
        "This machine's clock and the venue's differ too much.",
        "Set this machine's clock (NTP).",
    ),
    RefusalCode(
        "venue_version",
        "The venue speaks a version of its protocol that this code does not know.",
        "Nothing is bought until a release knows it; open orders and holdings are looked after.",
    ),
    RefusalCode(
        "venue_paused",
        "The venue restarts, or takes resting orders or cancels only: nothing is bought meanwhile.",
        "Nothing: it is asked again by itself. `midstride status` says what the venue said.",
    ),
    RefusalCode(
        "heartbeat_late",
        "The venue took no heartbeat for ten seconds: it would cancel a resting purchase at once.",
        "Nothing: heartbeats go on being sent. If it lasts, look at the network.",
    ),
    RefusalCode(
        FACTS_DIFFER,
        "The order has its market wrong: token, window, close or size.",
        "See the alarm `intent_facts_differ`.",
    ),
    RefusalCode("too_small", "The order is below the venue's minimum.", SIZE),
    RefusalCode("duplicate", "The same order was asked for already.", NOTHING),
    RefusalCode("oversold", "It sells more shares than the slot holds.", SIZE),
    RefusalCode(
        "reducing",
        "Only sales are allowed now: trading is reducing.",
        "`midstride trading resume` once its reason is gone.",
    ),
    RefusalCode(
        "throttled",
        "The slot filled too many orders on one side of one market.",
        "See the alarm `throttle`.",
    ),
    RefusalCode(
        "daily_loss",
        "The loss limit of the day is reached.",
        "Wait for the next UTC day, or raise risk.daily_loss_micro_usd and restart.",
    ),
    RefusalCode(
        "orders_per_minute",
        "The fleet sent as many orders in this minute as it may.",
        "Nothing, or raise risk.orders_per_minute and restart.",
    ),
    RefusalCode(
        "order_value",
        "The order may cost more than one order may.",
        "Smaller sizes (sizing.market_usd_max), or raise risk.order_micro_usd and restart.",
    ),
    RefusalCode(
        "slot_exposure",
        "The slot would have more money at stake than it may.",
        "Nothing, or raise risk.slot_exposure_micro_usd and restart.",
    ),
    RefusalCode(
        "fleet_exposure",
        "All slots together would have more money at stake than they may.",
        "Nothing, or raise risk.fleet_exposure_micro_usd and restart.",
    ),
    RefusalCode(
        "settlement_exposure",
        "Too much money would depend on one side at one settlement time.",
        "Nothing, or raise risk.settlement_net_up_micro_usd and restart.",
    ),
    RefusalCode("off_tick", "The price is not on the market's tick.", SIZE),
    RefusalCode(
        "collar",
        "The limit price is much worse than the middle of the venue's book.",
        "Look at the strategy's fair value.",
    ),
)
VENUE: Final = (
    RefusalCode(
        "not_enough_balance",
        "The wallet has too little money, or the exchange may not spend it.",
        "Put collateral in or approve the exchange; `midstride status` shows both.",
    ),
    RefusalCode(
        "unauthorized",
        "The venue does not accept the API key.",
        "Check the trading key and this machine's clock, then `midstride stop` and "
        "`midstride run`, which makes a new API key.",
    ),
    RefusalCode(
        "region",
        "The venue does not serve the region of this machine.",
        "Run it where trading is allowed.",
    ),
    RefusalCode(
        "wallet_not_allowed",
        "New accounts trade through a deposit wallet.",
        "Set venue.wallet to it.",
    ),
    RefusalCode(
        "signer_not_key",
        "venue.wallet belongs to another key.",
        "Set it to the wallet of this trading key.",
    ),
    RefusalCode(
        "closed_only", "The venue lets this account only close positions.", "Ask its support."
    ),
    RefusalCode("account_banned", "The venue has banned this account.", "Ask its support."),
    RefusalCode("order_version", "The venue wants another form of order.", "Update midstride."),
    RefusalCode(
        "market_unknown",
        "The market or its book could not be read at the venue.",
        "Look at the venue's status page.",
    ),
    RefusalCode("market_closed", "The market takes no orders any more.", NOTHING),
    RefusalCode("market_not_ready", "The market takes no orders yet.", NOTHING),
    RefusalCode("fak_not_filled", "Nothing was on offer at this price (FAK order).", NOTHING),
    RefusalCode("fok_not_filled", "Not all was on offer at this price (FOK order).", NOTHING),
    RefusalCode(
        "post_only_would_cross",
        "The order would have taken from the book and was to rest only.",
        NOTHING,
    ),
    RefusalCode("invalid_expiration", "The order's end lies too near.", NOTHING),
    RefusalCode(
        "invalid_amounts",
        "The venue does not accept the order's amounts.",
        "Report it: the rounding of this version does not fit the venue.",
    ),
    RefusalCode(
        "invalid_nonce",
        "The venue does not accept the order's number.",
        "Report it if it comes again.",
    ),
    RefusalCode(
        "refused",
        "The venue refused in words that are not known; they are kept with the order.",
        "Read the venue's words; `midstride doctor` checks key, venue and clock.",
    ),
)
UNSIGNED: Final = (
    RefusalCode("unsignable_input", "The order's values cannot be signed.", SIZE),
    RefusalCode(
        "unsignable_signing", "The trading key did not sign.", "`midstride doctor` checks the key."
    ),
    RefusalCode("unsignable_timeout", "Signing took too long.", "Is the machine overloaded?"),
    RefusalCode(
        "unsignable_metadata",
        "The venue did not tell what an order of this market must hold.",
        "Look at the venue's status page.",
    ),
)
CODES: Final = {row.code: row for row in (*OURS, *VENUE, *UNSIGNED)}


def advice(code: str) -> str:
    """Return what a code means and what to do; empty for one that is not known."""
    row = CODES.get(code)
    return "" if row is None else f"{row.means} {row.remedy}"
