"""What an alarm leads to. A person may be slower than the money; this table is not.

The table below holds unless the configuration's ``[policy]`` names a kind otherwise. Alarms of the
gateway, of rollouts and of the upkeep are in it too: whoever raised one, the policy reads it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Reaction(StrEnum):
    OFF = "off"
    """Not even told: a detector that has nothing to say in this fleet."""
    NOTIFY = "notify"
    REDUCE = "reduce"
    """Only orders that lower exposure, fleet-wide, until a person resumes."""
    HALT = "halt"
    ROLL_BACK = "roll_back"
    """Of the named release, to the one that a rollout replaced by it; without one: reduce."""


_ORDER: Final = (
    Reaction.OFF,
    Reaction.NOTIFY,
    Reaction.ROLL_BACK,
    Reaction.REDUCE,
    Reaction.HALT,
)
"""From harmless to safest."""
POLICY: Final[dict[str, Reaction]] = {
    # uniformity and deployed code
    "wrong_code": Reaction.NOTIFY,  # the gateway gives it no fence: nothing to stop
    "fence_of_another_release": Reaction.HALT,  # it may be trading
    "code_changed_on_disk": Reaction.NOTIFY,
    "mixed_releases": Reaction.NOTIFY,  # resuming or undoing the roll is the cure
    "release_never_decided": Reaction.NOTIFY,  # two points: its slots go back by themselves
    "params_never_read": Reaction.NOTIFY,
    "signal_never_ran": Reaction.ROLL_BACK,
    "release_did_not_start": Reaction.NOTIFY,  # the old one goes on
    # what a release does
    "outcome_fell": Reaction.REDUCE,  # the market may have changed as well as the code
    "release_without_edge": Reaction.ROLL_BACK,
    "decisions_changed": Reaction.NOTIFY,
    "shadow_disagrees": Reaction.ROLL_BACK,
    "release_turned_bad": Reaction.NOTIFY,  # the slot goes back by itself
    "no_way_back": Reaction.REDUCE,
    "release_fails": Reaction.NOTIFY,  # the first one here: there is nothing before it
    "intent_facts_differ": Reaction.ROLL_BACK,  # its orders are refused already
    "break_glass": Reaction.NOTIFY,
    "unapproved_release": Reaction.NOTIFY,  # refused already
    # inputs
    "input_drift": Reaction.NOTIFY,
    "inputs_disagree": Reaction.REDUCE,
    "input_frozen": Reaction.REDUCE,
    "input_refused": Reaction.NOTIFY,  # it was not used
    "feed_stale": Reaction.NOTIFY,  # slots answer "no trade: stale"
    # progress: the supervisor ends and restarts what hangs
    "no_decision": Reaction.NOTIFY,
    "missed_decision": Reaction.NOTIFY,
    "intent_unanswered": Reaction.NOTIFY,
    "order_without_end": Reaction.NOTIFY,
    "settlement_overdue": Reaction.NOTIFY,
    "market_unsettled": Reaction.NOTIFY,
    "slot_hung": Reaction.NOTIFY,
    "slot_not_live": Reaction.NOTIFY,
    "slot_dies": Reaction.NOTIFY,  # what a roll brought is undone already
    "strategy_blocked": Reaction.NOTIFY,
    "actor_silent": Reaction.NOTIFY,
    "head_died": Reaction.NOTIFY,  # the watcher starts the fleet again
    "exchange_died": Reaction.NOTIFY,  # the same
    "restart_gave_up": Reaction.NOTIFY,  # nothing is left that could react
    "heartbeat_gap": Reaction.NOTIFY,
    # rollouts put away what they began
    "rollout_stopped": Reaction.NOTIFY,
    "rollout_without_driver": Reaction.NOTIFY,
    "handoff_stuck": Reaction.NOTIFY,
    "shared_handoff_failed": Reaction.NOTIFY,
    "shared_release_turned_bad": Reaction.NOTIFY,  # the actor went back already
    # money: the gateway refuses or cancels by itself
    "daily_loss": Reaction.NOTIFY,
    "throttle": Reaction.NOTIFY,
    "orphan_fill": Reaction.NOTIFY,
    "books_differ": Reaction.REDUCE,  # what is held is not known
    "orders_refused": Reaction.NOTIFY,  # nothing can be sent
    "balance_low": Reaction.NOTIFY,
    "odd_rows": Reaction.NOTIFY,
    "listing_unreadable": Reaction.NOTIFY,
    "fill_unconfirmed": Reaction.NOTIFY,
    "fill_failed_after_confirmed": Reaction.NOTIFY,
    "clock_skew": Reaction.NOTIFY,
    "clock_set": Reaction.NOTIFY,  # the fleet counts time by itself
    "gateway_log_damaged": Reaction.NOTIFY,  # it is halted already
    # disk
    "disk_low": Reaction.NOTIFY,
    "journal_damaged": Reaction.NOTIFY,
    "journal_failure": Reaction.NOTIFY,
    "recovery_damage": Reaction.NOTIFY,
    "outbox_gap": Reaction.NOTIFY,
    "upkeep_failed": Reaction.NOTIFY,
    "detectors_failed": Reaction.NOTIFY,
    "decisions_unread": Reaction.NOTIFY,
}
"""By kind of alarm; a kind that is not here is told, and nothing else."""


def reaction_of(kind: str, overrides: Mapping[str, Reaction] | None = None) -> Reaction:
    """Return what an alarm of this kind leads to; `overrides` come from the configuration."""
    chosen = None if overrides is None else overrides.get(kind)
    return POLICY.get(kind, Reaction.NOTIFY) if chosen is None else chosen


def strongest(kinds: tuple[str, ...]) -> Reaction:
    """Return what several alarms at once lead to: the safest of their reactions."""
    return max((reaction_of(kind) for kind in kinds), key=_ORDER.index, default=Reaction.NOTIFY)
