"""Deliberate faults of the protocol: each takes one rule away, and some seed must notice."""

from collections.abc import Callable, Sequence

import msgspec

from actors.gateway.authority.events import Phase
from actors.rollout.handoff_state import Step
from actors.rollout.replacement.events import SharedStep
from actors.shared_kind import Kind as Kinds
from actors.supervisor.turn_machine import Phase as TurnPhase
from tests.simulation import gateway_mutations as gateway
from tests.simulation import slot_mutations as slot
from tests.simulation import succession_mutations as succession
from tests.simulation.fault_kinds import Fault
from tests.simulation.patches import Patch
from tests.simulation.run import Wish
from tests.simulation.strategies import Kind
from tests.simulation.succession_faults import Strike
from tests.simulation.succession_steps import REPLACEMENT

QUIET = ((REPLACEMENT, str(SharedStep.ENDING)), Strike.DRIVER)
"""Shared actors are replaced; what is struck is over by then."""

UNNAMED = ((REPLACEMENT, str(SharedStep.CONFIRMING)), Strike.DRIVER)
"""A driver names a successor that the old one did not agree to, and dies."""


class Mutation(msgspec.Struct, frozen=True):
    name: str
    patches: Callable[[], list[Patch]]
    wish: Wish = Wish()
    """What makes the rule matter often; the seeds themselves stay random."""
    seeds: Sequence[int] = range(40)
    """Some seed of these notices it."""


MUTATIONS = (
    Mutation(
        "the gateway takes intents of any fence",
        gateway.no_fence_check,
        Wish(early=Fault.ZOMBIE_SLOT),
        seeds=range(120),  # five of these notice it: a zombie must send just then
    ),
    Mutation(
        "the gateway fences whoever asks",
        gateway.fence_for_anyone,
        Wish(kinds=(Kind.GOOD,), always={Step.FENCING: Fault.PAUSE_DRIVER}),
    ),
    Mutation("the gateway grants any claim", gateway.claim_for_anyone),
    Mutation("the gateway takes any life for the owner's", gateway.any_life_is_known),
    Mutation(
        "nobody compares the digest", gateway.nothing_attested, Wish(kinds=(Kind.OTHER_DIGEST,))
    ),
    Mutation(
        "nobody hashes the files from outside", gateway.no_outside_hash, Wish(kinds=(Kind.LIES,))
    ),
    Mutation("answers and posts leave before the log is durable", gateway.answers_before_fsync),
    Mutation("an unknown order is signed again", gateway.signed_again_on_unknown),
    Mutation("intents left over by a crash are forgotten", gateway.left_over_intents_forgotten),
    Mutation("an order absent from one list has ended", gateway.absence_believed_at_once),
    Mutation("the venue is looked at only once", gateway.a_former_post_is_not_doubted),
    Mutation("a trade heard twice counts twice", gateway.a_trade_heard_twice_counts_twice),
    Mutation(
        "the outbox is acknowledged before its rows are durable", slot.acknowledged_before_durable
    ),
    Mutation("an event is applied twice", slot.events_applied_twice),
    Mutation("intents leave before their row is durable", slot.intents_before_rows),
    Mutation(
        "rows count as durable before they are written", slot.rows_durable_before_they_are_written
    ),
    Mutation(
        "a quiesced owner resumes without a claim",
        slot.resumed_without_a_claim,
        Wish(kinds=(Kind.GOOD,), always={Step.QUIESCING: Fault.CRASH_DRIVER}),
    ),
    Mutation(
        "a lease never ends",
        slot.lease_without_an_end,
        Wish(kinds=(Kind.GOOD,), always={Step.QUIESCING: Fault.CRASH_DRIVER}),
    ),
    Mutation(
        "a later life adopts by its predecessor's record",
        slot.any_life_adopts,
        Wish(
            kinds=(Kind.GOOD,),
            always={Step.QUIESCING: Fault.CRASH_SLOT, Step.FENCING: Fault.PAUSE_GATEWAY},
        ),
    ),
    Mutation(
        "void rows count",
        slot.void_rows_count,
        Wish(kinds=(Kind.RAISES_LATER,), always={Step.DISCARDING: Fault.POWER_OFF}),
        seeds=(191, 208, *range(40)),
    ),
    Mutation(
        "a state is adopted without its hash",
        slot.adopted_without_the_hash,
        Wish(kinds=(Kind.ALTERS_STATE,)),
    ),
    Mutation(
        "a failing decision confirms",
        slot.a_failing_decision_confirms,
        Wish(kinds=(Kind.RAISES_LATER,)),
    ),
    Mutation("a roll goes on after a failure", slot.the_roll_goes_on, Wish(kinds=(Kind.RAISES,))),
    Mutation(
        "the generation is not checked before a post or a record",
        succession.generation_unchecked,
        Wish(aimed=QUIET, lost_lock=True),
    ),
    Mutation(
        "a gateway raises alarms of its books after another has taken over",
        succession.alarms_of_old_books,
        Wish(aimed=QUIET, lost_lock=True),
    ),
    Mutation("a generation is not raised", succession.generation_not_raised, Wish(aimed=QUIET)),
    Mutation(
        "a gateway serves before it has seen the venue",
        succession.served_before_reconciling,
        Wish(aimed=QUIET),
    ),
    Mutation(
        "two heirs: whoever is started takes the authority",
        succession.two_heirs,
        Wish(aimed=((Kinds.GATEWAY, Phase.CLOSING), Strike.SELF)),
    ),
    Mutation(
        "the outbox is extended before the lock is held",
        succession.outbox_before_the_lock,
        Wish(aimed=((Kinds.GATEWAY, Phase.CLOSING), Strike.FROZEN)),
    ),
    Mutation(
        "the holder answers that it has moved",
        succession.moved_answered_by_the_holder,
        Wish(aimed=((Kinds.GATEWAY, Phase.RETURNING), Strike.FROZEN)),
    ),
    Mutation(
        "the successor adopts before the old gateway has let go",
        succession.adopted_before_the_release,
        Wish(aimed=((Kinds.GATEWAY, Phase.CLOSING), Strike.FROZEN)),
    ),
    Mutation(
        "one that takes the authority back resumes without the lock",
        succession.resumed_without_the_lock,
        Wish(aimed=((Kinds.GATEWAY, Phase.RETURNING), Strike.FROZEN)),
    ),
    Mutation(
        "the heir is not read again under the lock",
        succession.heir_not_read_again,
        Wish(aimed=((Kinds.GATEWAY, Phase.RELEASING), Strike.FROZEN)),
    ),
    Mutation(
        "the log is written to after it was closed",
        succession.log_written_after_closing,
        Wish(aimed=((Kinds.GATEWAY, Phase.CLOSING), Strike.FROZEN)),
        seeds=(12, 25, 31, *range(80)),  # a thread must be slow just then: three of fifty
    ),
    Mutation(
        "a supervisor never reads whether it is still named",
        succession.watch_never_checked,
        Wish(aimed=UNNAMED, led=(Kinds.SUPERVISOR, TurnPhase.CLOSING)),
    ),
    Mutation(
        "one that has moved keeps the lock",
        succession.lock_kept_by_one_that_moved,
        Wish(aimed=QUIET),
    ),
    Mutation(
        "a supervisor takes its turn while the other one lives",
        succession.turn_taken_from_the_living,
        Wish(aimed=QUIET),
    ),
    Mutation(
        "market data is handed over without its buffers",
        succession.market_data_without_buffers,
        Wish(aimed=QUIET),
    ),
    Mutation(
        "the old one is ended before its successor serves",
        succession.old_ended_before_its_successor_serves,
        Wish(aimed=QUIET),
    ),
    Mutation(
        "the old one is named again beside its living successor",
        succession.old_named_beside_its_successor,
        Wish(aimed=((REPLACEMENT, SharedStep.TAKING_BACK), Strike.FROZEN)),
    ),
    Mutation(
        "a successor of another release is named",
        succession.another_release_is_named,
        Wish(aimed=((REPLACEMENT, SharedStep.DISCARDING), Strike.FROZEN)),
    ),
    Mutation(
        "a successor is named before it is stored what it replaces",
        succession.nothing_is_remembered,
        Wish(aimed=QUIET),
    ),
)
