"""What not to do about each kind of alarm, for a person who is woken by it: docs/runbook.md.

One sentence a kind: the mistake that is near at hand, and what it costs.
"""

from collections.abc import Mapping
from typing import Final

from actors.detectors.alarm_names import AlarmName

AVOID: Final[Mapping[AlarmName, str]] = {
    # ---- which code runs
    "wrong_code": "Do not clear the alarm before you know who started that process.",
    "fence_of_another_release": "Do not resume before both releases are compared: one of them was "
    "wanted by nobody.",
    "code_changed_on_disk": "Do not restart anything while the files differ: the start is refused.",
    "mixed_releases": "Do not stop the fleet for it: every slot trades, only not by one release.",
    "release_never_decided": "Do not roll the same code out again: it decides nothing there "
    "either.",
    "params_never_read": "Do not edit the parameters' file in the running tree: nobody reads it.",
    "signal_never_ran": "Do not take it for a calm market: with complete inputs there is always a "
    "probability.",
    "release_did_not_start": "Do not start a second roll before you have read why the first died.",
    # ---- what a release does
    "outcome_fell": "Do not raise the stakes to win it back, and do not clear it to keep trading.",
    "release_without_edge": "Do not roll it out again because one day went well.",
    "decisions_changed": "Do not clear it before you can say which edit of yours it comes from.",
    "shadow_disagrees": "Do not force the roll: on the same inputs the new code decides otherwise.",
    "release_turned_bad": "Do not roll the same release into the other slots.",
    "no_way_back": "Do not resume before a corrected release is in: the slot would hang again.",
    "release_fails": "Do not restart the fleet for it: the same code starts again.",
    "intent_facts_differ": "Do not raise a limit to let the order through: its market is wrong.",
    "break_glass": "Do not leave it until tomorrow: nobody has read that code.",
    "unapproved_release": "Do not approve it to silence the alarm.",
    # ---- rolls
    "rollout_stopped": "Do not start another roll on top: resume this one or take it back.",
    "rollout_without_driver": "Do not end the slots by hand: those half way are put back by "
    "themselves.",
    "handoff_stuck": "Do not kill the slot's processes: both may still own orders.",
    "shared_handoff_failed": "Do not restart the fleet before you have read the reason: the old "
    "one mostly still serves.",
    "shared_release_turned_bad": "Do not roll the release out again before its log is read.",
    # ---- inputs
    "input_drift": "Do not widen the limits of the input before you have compared its source.",
    "inputs_disagree": "Do not resume because the charts look normal: compare both numbers.",
    "input_frozen": "Do not resume while the price stands still.",
    "snapshot_ages_untrue": "Do not set clocks while slots decide: it makes more ages untrue.",
    "input_refused": "Do not restart market data for it: the value is refused again.",
    "market_refused": "Do not put the slot's rule aside: the market under that name is another "
    "one.",
    "feed_stale": "Do not trade by hand meanwhile on the fleet's account.",
    "source_switched": "Do not take the first exchange out of the configuration: it comes back.",
    "source_odd": "Do not trust the one exchange that you know best: let a third one tell.",
    "source_refused": "Do not restart market data again and again: each start asks anew and makes "
    "a ban longer.",
    "no_source": "Do not raise the limits of age: slots would decide on old prices.",
    # ---- decisions and orders in progress
    "no_decision": "Do not kill the process: that is done already.",
    "missed_decision": "Do not start anything heavy on this machine.",
    "intent_unanswered": "Do not send the order by hand: it may have been sent.",
    "order_without_end": "Do not restart the gateway for it: its books say the same afterwards.",
    "settlement_overdue": "Do not sell elsewhere against shares that may still be paid.",
    "market_unsettled": "Do not count those shares as lost, nor as cash.",
    "strategy_blocked": "Do not raise the time limit of decisions.",
    # ---- processes and clock
    "slot_hung": "Do not kill it a second time: a restart takes half a minute.",
    "slot_not_live": "Do not restart the slot before you have read the gateway's reason.",
    "slot_dies": "Do not restart the fleet: the same code dies again.",
    "actor_silent": "Do not end the gateway's process yourself while it is being replaced.",
    "head_died": "Do not start a second fleet beside it: the watcher starts this one again.",
    "exchange_died": "Do not delete the exchange's folder: its books are in it.",
    "restart_gave_up": "Do not leave it so: orders that rest are watched by nobody. Halt first, "
    "then look for the cause.",
    "fleet_died": "Do not copy the state folder to another machine and start there before a halt.",
    "heartbeat_gap": "Do not assume that orders rest: the venue may have cancelled all of them.",
    "clock_skew": "Do not raise timing.clock_skew_limit_ms: the venue refuses the stamps all the "
    "same.",
    "clock_set": "Do not set the clock back again by hand.",
    "clock_off": "Do not set the clock by hand under a running fleet if NTP can do it.",
    "clock_jumped": "Do not go on without `clock_off` being looked at.",
    "venue_version": "Do not lift the stop: orders would be signed for another protocol.",
    # ---- money
    "daily_loss": "Do not raise the limit on the same day.",
    "throttle": "Do not resume before you know why it bought again and again.",
    "books_differ": "Do not resume before `audit reconcile` names the difference, and do not move "
    "money in or out meanwhile.",
    "settlement_differs": "Do not take it for noise, and do not stop at our own number: the "
    "venue's page decides.",
    "resolution_late": "Do not restart anything, and do not count the shares as cash.",
    "orders_refused": "Do not restart the gateway for it: the venue's words say what is wrong.",
    "venue_paused": "Do not restart the gateway for it: it asks again by itself.",
    "not_redeemed": "Do not redeem at the conditional tokens themselves with pUSD: it succeeds "
    "and pays nothing.",
    "redeemer_failed": "Do not delete its log: it says which transactions may have left.",
    "balance_low": "Do not withdraw anything while slots trade.",
    # ---- orders and fills at the venue
    "orphan_order": "Do not start a second fleet or place orders by hand with this key: see *two "
    "machines, one wallet*.",
    "order_open_after_end": "Do not cancel it at the venue's page as well: it is being cancelled.",
    "orphan_fill": "Do not resume before you know whose trade it is.",
    "fill_unconfirmed": "Do not sell those shares: they may never come.",
    "fill_failed_after_confirmed": "Do not trust the position before it is compared with the "
    "chain.",
    "odd_rows": "Do not clear it before those rows were looked up.",
    "listing_unreadable": "Do not trade by hand on this account: fills may be missing in the "
    "books.",
    # ---- disk and journal
    "disk_low": "Do not delete files in the storage by hand: see *full disk*.",
    "tape_stopped": "Do not stop the fleet for it: trading needs no tape.",
    "journal_damaged": "Do not repair or delete the file: it is evidence; a copy tells what is "
    "lost.",
    "journal_failure": "Do not restart the slot before there is room on the disk.",
    "recovery_damage": "Do not delete checkpoints: the next start needs the older ones.",
    "outbox_gap": "Do not restart slots one after the other: the gap is asked again by itself.",
    "gateway_log_damaged": "Do not delete or edit the gateway's log, and do not resume: fences "
    "and signed orders stand in it.",
    "upkeep_failed": "Do not delete old days by hand.",
    "detectors_failed": "Do not go to bed with it: nobody watches for what that detector finds.",
    "decisions_unread": "Do not take silence for health: detectors do not see the newest "
    "decisions.",
    "damaged_alarm": "Do not delete the file: copy it, then clear the alarm.",
    # ---- daily audit
    "daily_audit_failed": "Do not clear it before you know the cause: what it names did not come "
    "to light by itself.",
    "daily_audit_missed": "Do not take the silence for health.",
    "still_well": "Do not filter it out: its absence is the message.",
}
