"""Alarms about inputs, and about decisions and orders in progress."""

from typing import Final

from actors.detectors.alarm_kind import AlarmKind, Reaction
from checkpoints.severity import Severity

INPUTS: Final = (
    AlarmKind(
        kind="input_drift",
        severity=Severity.WARNING,
        means="An input is far from its values of the last day, on most assets at once.",
        remedy="Did the market move, or did the source change its unit? Compare with the exchange.",
        watches="each input against its own last day, assets pooled",
        within="see below",
        false_alarms="see below",
    ),
    AlarmKind(
        kind="inputs_disagree",
        severity=Severity.CRITICAL,
        reaction=Reaction.REDUCE,
        means="The settlement price and the candles of an asset are more than 10 % apart.",
        remedy="Compare both with the exchange; `midstride trading resume` once they agree.",
        watches="settlement price and candles 10 % apart, two cycles running",
        within="2 C",
        false_alarms="exact on recorded data: none",
    ),
    AlarmKind(
        kind="input_frozen",
        severity=Severity.CRITICAL,
        reaction=Reaction.REDUCE,
        means="New candles repeat the old one: the feed looks fresh and is dead.",
        remedy="Check the source of the feed; `midstride trading resume` once prices move again.",
        watches="six new candles that repeat the last",
        within="6 C",
        false_alarms="exact on recorded data: none",
    ),
    AlarmKind(
        kind="snapshot_ages_untrue",
        severity=Severity.CRITICAL,
        means="Snapshots call an input fresh that is old by its own stamps. Slots do not trade on "
        "them; a release of market data that a roll brought is taken back.",
        remedy="If that did not happen: `midstride rolling-update rollback`.",
        watches="the age of each input but markets against its own stamps, two cycles running",
        within="2 C",
        false_alarms="exact on recorded data: none",
    ),
    AlarmKind(
        kind="input_refused",
        severity=Severity.WARNING,
        means="A feed sent an impossible value. It was not used; while that lasts, slots decide "
        "`no_data: inputs disagree`.",
        remedy="Check the feed named; docs/inputs.md says what is expected of it.",
        watches=(
            "a datum out of its range, stamped ahead, or against its sister; see "
            "[inputs.md](inputs.md); it is not used"
        ),
        within="2 s; a decision point finds it before the bet",
        false_alarms="exact on recorded data: none",
    ),
    AlarmKind(
        kind="market_refused",
        severity=Severity.WARNING,
        means="The venue lists another market under the name of a slot's window: its rule, source, "
        "times or fee differ. It is not traded.",
        remedy="Compare the evidence with the market's page at the venue.",
    ),
    AlarmKind(
        kind="feed_stale",
        severity=Severity.WARNING,
        means="A feed has sent nothing new for too long. Slots decide `no trade: stale`.",
        remedy="Check network and source; `midstride status` names the trouble.",
        watches="a feed without new values",
        within="its named limit",
        false_alarms="by its limit",
    ),
    AlarmKind(
        kind="source_switched",
        severity=Severity.NOTICE,
        means="Another exchange serves an asset's candles, funding and open interest: the evidence "
        "says which, and why the one before was left.",
        remedy="Nothing, if it was a fault of the exchange: the first of the order serves again by "
        "itself. See [feeds.md](feeds.md).",
        watches="each source's answers; its newest candles against another's, at each boundary",
        within="1 s of an exchange that is gone, 10 s after the boundary of one that is frozen",
        false_alarms="a switch that a passing fault of the network caused",
        ends="the first source of the order serves the asset again",
    ),
    AlarmKind(
        kind="source_odd",
        severity=Severity.WARNING,
        means="An exchange froze, or its closes, funding or clock differ from the others'. Where a "
        "third one tells that it is wrong, it is left.",
        remedy="Compare the evidence with the exchange's own page.",
        watches="closes of the same candle (5 basis points), funding against what is predicted of "
        "it, clocks",
        within="10 s after a boundary; clocks 2 min",
        false_alarms="a market so fast that three exchanges close far apart: none is left then",
    ),
    AlarmKind(
        kind="source_refused",
        severity=Severity.WARNING,
        means="An exchange refuses this machine: too many requests, its country or its client. It "
        "is not asked again for as long as it said, or for ten minutes to an hour.",
        remedy="A ban ends by itself. If your country is not served, take the source out of "
        "`sources`.",
    ),
    AlarmKind(
        kind="no_source",
        severity=Severity.CRITICAL,
        means="No exchange can serve an asset. Its slots decide from data that ages, then "
        "`no trade: stale`.",
        remedy="Check the network; the evidence says what each exchange answered.",
        watches="an asset that none of the configured sources serves",
        ends="a source serves the asset",
    ),
)
PROGRESS: Final = (
    AlarmKind(
        kind="no_decision",
        severity=Severity.CRITICAL,
        means="A slot let a decision deadline pass. A process that hangs is killed and restarted "
        "by itself.",
        remedy="If it comes again, read `midstride logs` of the slot.",
        watches="a slot that lets a deadline pass and does not even give up: its loop hangs",
        within="the deadline + 4 s; after 10 s more its process is ended and starts again",
        false_alarms="2 s of grace",
    ),
    AlarmKind(
        kind="missed_decision",
        severity=Severity.WARNING,
        means="A slot gave up a decision point: data or the strategy's answer came too late.",
        remedy="`midstride logs` of the slot says which; is the machine overloaded?",
        watches="a decision point given up: a snapshot or a strategy that did not come",
        within="the deadline + 2 s",
        false_alarms="exact: none",
    ),
    AlarmKind(
        kind="intent_unanswered",
        severity=Severity.CRITICAL,
        means="A slot asked for an order, and the gateway has neither sent nor refused it.",
        remedy="Look at the gateway in `midstride status`; `midstride logs gateway` says why.",
        watches="an intent that the gateway has neither sent nor refused",
        within="its named limit",
        false_alarms="by its limit",
    ),
    AlarmKind(
        kind="order_without_end",
        severity=Severity.CRITICAL,
        means="An order is still open in our books after its market closed.",
        remedy="Compare with the venue: `midstride audit reconcile`.",
        watches="an order that is open in the books after its market closed",
        within="its named limit",
        false_alarms="by its limit",
    ),
    AlarmKind(
        kind="settlement_overdue",
        severity=Severity.WARNING,
        means="A market closed and the venue has not named its winner yet.",
        remedy="Wait, or compare with the venue: `midstride audit reconcile`.",
        watches="a closed market without a winner",
        within="its named limit",
        false_alarms="by its limit",
    ),
    AlarmKind(
        kind="market_unsettled",
        severity=Severity.WARNING,
        means="The venue has not named a market's winner after many questions. Its shares count "
        "as at risk until then.",
        remedy="Look at the market's page at the venue.",
    ),
    AlarmKind(
        kind="strategy_blocked",
        severity=Severity.CRITICAL,
        means="A strategy's `decide` does not return. The slot's process was killed and starts "
        "again.",
        remedy="`midstride rolling-update rollback`; then look for a loop or a wait in `decide`.",
        watches="`decide` does not return",
        within="15 s; its process is ended",
        false_alarms="7 times its own limit",
    ),
)
