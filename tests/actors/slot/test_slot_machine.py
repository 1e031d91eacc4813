"""Random lives of a slot: effects in any order, lost answers, crashes between any two, zombies."""

from hypothesis import Phase as Phase_
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actors.messages import FillConfirmed, FillFailed
from actors.rollout.handoff_messages import Quiesce, Resume
from actors.slot.events import (
    PollOutbox,
    QuiesceAsked,
    ResumeAsked,
    Ticked,
)
from actors.slot.facts import DecisionFact, MissedFact
from actors.slot.rows import entry_of
from actors.slot.seat import Phase, next_points
from actors.slot.state import KEEP_SETTLED_MS
from signals.market import Outcome
from tests.actors.slot.builders import CYCLE_MS, hold, leg, trade
from tests.actors.slot.world import NETWORK, Life, World

PAGES = st.sampled_from(["whole", "repeats", "reversed", "gap"])
DECISIONS = st.sampled_from([hold(), trade(), trade(leg(), leg(outcome=Outcome.DOWN))])
SETTLE_STEPS_MAX = 2_000


class SlotLives(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.life: Life = self.world.open()
        self.zombie: Life | None = None
        self.handoffs = 0

    @rule(pick=st.integers(0, 9), lost=st.booleans(), decision=DECISIONS, page=PAGES)
    def perform_an_effect(self, pick: int, lost: bool, decision: object, page: str) -> None:  # noqa: FBT001
        if self.life.pending:
            index = pick % len(self.life.pending)
            lost = lost and isinstance(self.life.pending[index], NETWORK)
            self.life.perform(index, lost=lost, decision=decision, page=page)  # type: ignore[arg-type]

    @rule(count=st.integers(1, 12), decision=DECISIONS)
    def run_without_faults(self, count: int, decision: object) -> None:
        for _ in range(count):
            if self.life.pending:
                self.life.perform(0, lost=False, decision=decision, page="whole")  # type: ignore[arg-type]

    @rule()
    def come_to_the_next_point(self) -> None:
        due_ms, _ = next_points(self.life.seat, self.world.now_ms)
        self.world.now_ms = due_ms.due_ms
        self.life.apply(Ticked)

    @rule(cycles=st.sampled_from([0.01, 0.1, 0.4, 1.0, 2.5]))
    def let_time_pass(self, cycles: float) -> None:
        self.world.now_ms += int(CYCLE_MS * cycles)
        self.life.apply(Ticked)

    @rule(zombie=st.booleans())
    def crash(self, zombie: bool) -> None:  # noqa: FBT001
        if zombie:
            self.zombie = self.life
        self.life = self.world.open()

    @precondition(lambda self: self.zombie is not None)
    @rule(pick=st.integers(0, 9), decision=DECISIONS)
    def zombie_wakes(self, pick: int, decision: object) -> None:
        """Its claims are over (a process start asks once); all else it may still try."""
        zombie = self.zombie
        assert zombie is not None
        zombie.apply(Ticked)
        zombie.pending = [e for e in zombie.pending if type(e).__name__ != "SendClaim"]
        if zombie.pending:
            index = pick % len(zombie.pending)
            zombie.perform(index, lost=False, decision=decision, page="whole")  # type: ignore[arg-type]

    @rule(go_on=st.booleans())
    def pause_or_go_on(self, go_on: bool) -> None:  # noqa: FBT001
        if go_on:
            self.life.apply(ResumeAsked, ask=Resume(handoff=f"h{self.handoffs}"))
            return
        self.handoffs += 1
        ask = Quiesce(
            handoff=f"h{self.handoffs}", expected_fence=self.life.seat.fence, lease_ms=50_000
        )
        self.life.apply(QuiesceAsked, ask=ask)

    @precondition(lambda self: self.world.gateway.intents)
    @rule(pick=st.integers(0, 99), what=st.sampled_from(["fill", "end", "settle"]))
    def venue_says(self, pick: int, what: str) -> None:
        gateway = self.world.gateway
        name = list(gateway.intents)[pick % len(gateway.intents)]
        condition = gateway.intents[name].condition_id
        if self.world.now_ms > gateway.intents[name].close_ms + KEEP_SETTLED_MS - CYCLE_MS:
            return  # beyond the grace that the books promise
        if what == "fill":
            gateway.fill(name)
        elif what == "end":
            gateway.end(name)
        elif condition not in gateway.winners:
            gateway.settle(condition, list(Outcome)[pick % 2])

    @precondition(lambda self: self.world.gateway.fills)
    @rule(pick=st.integers(0, 99), fails=st.booleans())
    def fill_is_final(self, pick: int, fails: bool) -> None:  # noqa: FBT001
        gateway = self.world.gateway
        fill_id = list(gateway.fills)[pick % len(gateway.fills)]
        finished = {
            event.fill_id
            for event in gateway.outbox
            if isinstance(event, FillConfirmed | FillFailed)
        }
        if fill_id not in finished:
            gateway.finish_fill(fill_id, fails=fails)

    @invariant()
    def each_point_is_decided_or_given_up_once(self) -> None:
        facts = [entry_of(row).fact for row in self.world.valid()]
        decided = [fact.due_ms for fact in facts if isinstance(fact, DecisionFact)]
        assert len(decided) == len(set(decided))
        for missed in (fact for fact in facts if isinstance(fact, MissedFact)):
            assert not any(missed.first_due_ms <= due <= missed.last_due_ms for due in decided)

    @invariant()
    def only_the_owner_gets_orders_through(self) -> None:
        gateway = self.world.gateway
        facts = [entry_of(row).fact for row in self.world.valid()]
        decided = {
            intent.intent_id: (intent.price, intent.shares)
            for fact in facts
            if isinstance(fact, DecisionFact)
            for intent in fact.intents
        }
        taken = {name: (sent.price, sent.shares) for name, sent in gateway.intents.items()}
        assert taken.items() <= decided.items(), "of a row that counts, with its content"
        record = gateway.record
        if self.life.seat.phase is Phase.ACTIVE and record is not None:
            assert self.life.seat.fence <= record.fence

    def teardown(self) -> None:
        """With no more faults everything is applied, and money and journal agree with the venue."""
        life = self.life
        life.apply(ResumeAsked, ask=Resume(handoff="end"))
        for _ in range(SETTLE_STEPS_MAX):
            life.apply(Ticked)
            idle = all(isinstance(effect, PollOutbox) for effect in life.pending)
            applied = life.seat.state.outbox_sequence == len(self.world.gateway.outbox)
            if life.seat.phase is Phase.ACTIVE and idle and applied and not life.seat.state.intents:
                break
            if life.pending:
                life.perform(0, lost=False, decision=hold(), page="whole")
        else:
            raise AssertionError(f"never settled: {life.seat.phase} {life.pending}")
        assert life.seat.state.cash_micro_usd == self.world.gateway.cash_micro_usd()
        assert self.world.recover().state.cash_micro_usd == life.seat.state.cash_micro_usd


SlotLives.TestCase.settings = settings(
    max_examples=150, stateful_step_count=60, deadline=None, phases=(Phase_.generate,)
)
test_slot_lives = SlotLives.TestCase
