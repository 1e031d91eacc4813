"""Alarms of the gateway about orders, fills, the account and the venue's listings."""

from typing import Final

from actors.detectors.alarm_kind import AlarmKind, Reaction
from checkpoints.severity import Severity

MONEY: Final = (
    AlarmKind(
        kind="daily_loss",
        severity=Severity.CRITICAL,
        means="The loss limit of the day is reached. Nothing is bought until the UTC day ends.",
        remedy="Look at the day's trades: `midstride audit trades`.",
    ),
    AlarmKind(
        kind="throttle",
        severity=Severity.CRITICAL,
        means="A slot filled too many orders on one side of one market. It may not trade.",
        remedy="Find out why it repeats (`midstride audit trades`), then "
        "`midstride trading resume`.",
    ),
    AlarmKind(
        kind="books_differ",
        severity=Severity.CRITICAL,
        reaction=Reaction.REDUCE,  # what is held is not known
        means="The venue shows another position, cash or trade than our books.",
        remedy="`midstride audit reconcile` names each fill; then `midstride trading resume`.",
        watches=(
            "three looks show another position or other cash at the venue, or a trade is not of "
            "its order's token, side, market, limit or size, changes its size, or is confirmed "
            "after it failed"
        ),
        ends="by a person",
    ),
    AlarmKind(
        kind="settlement_differs",
        severity=Severity.CRITICAL,
        means="The venue paid the other side of a market than its rule and the recorded averages "
        "say.",
        remedy="Compare the market's page at the venue with both series in the evidence; a "
        "resolution can be disputed for hours only.",
        watches=(
            "each settled market's winner against the averages recorded at its open and its close; "
            "where one is missing or more than 2 s old the market is not compared, and counted"
        ),
        within="one cycle after both are recorded",
        false_alarms="about 1 of 8,000 markets (recorded: 1 of 7,899)",
    ),
    AlarmKind(
        kind="resolution_late",
        severity=Severity.NOTICE,
        means="A market closed over two hours ago and has no winner: it may be disputed. What is "
        "held in it is neither cash nor lost.",
        remedy="Read the market's page at the venue; the gateway goes on asking (once it took 44 "
        "hours).",
        watches="a market with an order of ours that has no winner two hours after its close",
        within="1 s",
        false_alarms="exact: none",
    ),
    AlarmKind(
        kind="orders_refused",
        severity=Severity.CRITICAL,
        means="The venue refuses one order after another.",
        remedy="Read the venue's words; `midstride doctor` checks key, venue and clock.",
        watches="three refusals of one kind in a row, five of any",
        ends="with the first order that passes",
    ),
    AlarmKind(
        kind="balance_low",
        severity=Severity.WARNING,
        means="The account has less money than the slots may still use.",
        remedy="Put collateral into the wallet, approve the exchange to spend it, or lower "
        "risk.fleet_exposure_micro_usd.",
        watches="balance or approval is less than the slots may still use",
        ends="when it is enough",
    ),
    AlarmKind(
        kind="not_redeemed",
        severity=Severity.WARNING,
        means="Winnings of a market could not be turned into cash; they stay in the wallet as "
        "shares. It is tried again, at most an hour apart.",
        remedy="The evidence says market, sum and last answer. On the venue's portfolio page a "
        "person can redeem by hand (docs/redemption.md).",
        watches="winnings after six hours or five tries, or a payment below what they were worth",
        ends="when the money came",
    ),
    AlarmKind(
        kind="redeemer_failed",
        severity=Severity.WARNING,
        means="The process that turns winnings into cash cannot work. Trading goes on.",
        remedy="The evidence says why: correct the relayer key or the storage. The watcher starts "
        "it again.",
        watches="a redeemer whose last look failed",
        ends="when it works again",
    ),
)
FILLS: Final = (
    AlarmKind(
        kind="orphan_order",
        severity=Severity.CRITICAL,
        means="An order that this fleet did not send is open on its account. It is cancelled.",
        remedy="Find out who else uses this key.",
    ),
    AlarmKind(
        kind="order_open_after_end",
        severity=Severity.WARNING,
        means="An order that had ended in our books is still open at the venue. It is cancelled.",
        remedy="Compare with the venue: `midstride audit reconcile`.",
    ),
    AlarmKind(
        kind="orphan_fill",
        severity=Severity.CRITICAL,
        means="The account has a trade that belongs to no order of this fleet.",
        remedy="Find out who else uses this key.",
    ),
    AlarmKind(
        kind="fill_unconfirmed",
        severity=Severity.WARNING,
        means="A fill has been waiting long for its confirmation on the chain.",
        remedy="Look for the trade on the chain's explorer.",
    ),
    AlarmKind(
        kind="fill_failed_after_confirmed",
        severity=Severity.CRITICAL,
        means="The venue first confirmed a fill and then called it failed.",
        remedy="Look for the trade on the chain's explorer and compare: "
        "`midstride audit reconcile`.",
    ),
    AlarmKind(
        kind="odd_rows",
        severity=Severity.WARNING,
        means="The venue listed orders or trades with impossible values. All other rows count.",
        remedy="Look these up at the venue and compare: `midstride audit reconcile`.",
        watches="a listing has rows that are not as they should be",
        ends="by a person",
    ),
    AlarmKind(
        kind="listing_unreadable",
        severity=Severity.CRITICAL,
        means="The venue's list of orders and trades cannot be read, so fills may be missing.",
        remedy="Look at the venue's status page and at `midstride doctor`.",
        watches="no listing of orders and trades for 30 s",
        ends="with the next listing",
    ),
)
