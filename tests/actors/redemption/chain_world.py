"""A chain, a relayer and a listing in memory, as unkind as they may be."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from actors.redemption.claim import Claim, Held, Payment, SignedTransaction
from actors.redemption.events import (
    Accepted,
    AskFailed,
    ChainRead,
    Check,
    Effect,
    EndAlarm,
    Event,
    Found,
    Listed,
    Poll,
    Polled,
    RaiseAlarm,
    ReadChain,
    Refused,
    SharesGone,
    Sign,
    Signed,
    Submit,
    Sweep,
    TransactionState,
    Unclear,
)
from signals.units import MicroShares, MicroUsd

_T = TransactionState
DEADLINE_S = 600
KINDS = ("WALLET", "SAFE", "EOA")


class ViolatedError(AssertionError):
    """What must never happen, happened."""


@dataclass
class Sent:
    """A transaction that reached the relayer or the node."""

    number: int
    condition: str
    signed: SignedTransaction
    course: str
    at_ms: int
    slow_ms: int = 0
    state: TransactionState = _T.NEW
    paid: int = 0

    @property
    def hash(self) -> str:
        return self.signed.transaction_hash or f"0xhash{self.number}"


@dataclass
class Chain:
    kind: str
    rng: random.Random
    shares: dict[str, int]
    faults: bool = True
    auto: bool = False
    now_ms: int = 1_000_000
    nonce: int = 0
    sent: list[Sent] = field(default_factory=list)
    received: dict[str, dict[str, int]] = field(default_factory=dict)
    """Condition -> transaction hash -> money that is in the wallet."""
    owed: dict[str, int] = field(default_factory=dict)
    wasted: int = 0
    signatures: int = 0

    def __post_init__(self) -> None:
        self.owed = dict(self.shares)

    # ---- the world goes on --------------------------------------------------------------------

    def advance(self, ms: int) -> None:
        self.now_ms += ms
        for one in self.sent:
            self._move(one)
        if self.auto and self.faults and self.rng.random() < 0.02:
            for condition, count in self.shares.items():
                if count and self.rng.random() < 0.5:
                    self._pay(condition, f"0xauto{condition}{self.now_ms}")

    def _move(self, one: Sent) -> None:
        age_ms = self.now_ms - one.at_ms - one.slow_ms
        if one.state is _T.NEW and age_ms > 500:
            one.state = _T.INVALID if one.course == "invalid" else _T.EXECUTED
        elif one.state is _T.EXECUTED and age_ms > 2_000:
            self._execute(one)
        elif one.state is _T.MINED and age_ms > 5_000:
            if one.course == "reverts":
                self.nonce -= 1
                self.shares[one.condition] += one.paid
                self.received[one.condition].pop(one.hash, None)
                one.state = _T.FAILED
            else:
                one.state = _T.CONFIRMED

    def _execute(self, one: Sent) -> None:
        late = one.signed.deadline_s is not None and self.now_ms > one.signed.deadline_s * 1_000
        if one.course == "fails" or late or one.signed.nonce != self.nonce:
            one.state = _T.FAILED
            if one.signed.nonce == self.nonce and self.kind == "EOA":
                self.nonce += 1
            return
        self.nonce += 1
        one.state = _T.MINED
        if one.course == "empty":  # the wrong contract: it succeeds and moves nothing
            return
        one.paid = self._pay(one.condition, one.hash)
        if not one.paid:
            self.wasted += 1

    def _pay(self, condition: str, transaction_hash: str) -> int:
        paid, self.shares[condition] = self.shares[condition], 0
        if paid:
            self.received.setdefault(condition, {})[transaction_hash] = paid
        return paid

    # ---- what a redeemer asks -----------------------------------------------------------------

    def perform(self, effect: Effect) -> Event | None:
        """Do what was asked and answer; the answer may be lost on its way, or false."""
        match effect:
            case Sweep():
                return self._listed()
            case Sign():
                return self._sign(effect.claim)
            case Submit():
                return self._submit(effect)
            case Poll():
                return self._poll(effect.claim)
            case ReadChain():
                return self._read(effect.claim)
            case Check():
                return self._check(effect.claim)
            case RaiseAlarm() | EndAlarm():
                return None

    def _lost(self, share: float = 0.1) -> bool:
        return self.faults and self.rng.random() < share

    def _listed(self) -> Listed:
        if self._lost():
            return Listed(wire_ms=self.now_ms, found=None, reason="lost")
        return Listed(wire_ms=self.now_ms, found=tuple(self._found()))

    def _found(self) -> Iterator[Found]:
        for condition, count in self.shares.items():
            if count:
                held = (Held(token_id=f"t-{condition}", shares=MicroShares(count)),)
                yield Found(
                    condition_id=condition,
                    wire_ms=self.now_ms,
                    slug=condition,
                    held=held,
                    worth_micro_usd=MicroUsd(count),
                )

    def _sign(self, claim: Claim) -> Event:
        condition = claim.condition_id
        if self._lost():
            return AskFailed(condition_id=condition, wire_ms=self.now_ms, reason="lost")
        if not self.shares[condition]:
            return SharesGone(condition_id=condition, wire_ms=self.now_ms)
        self.signatures += 1
        signed = SignedTransaction(
            kind=self.kind,
            nonce=self._next_nonce(),
            body=f"{condition}/{self.signatures}".encode(),
            deadline_s=self.now_ms // 1_000 + DEADLINE_S if self.kind == "WALLET" else None,
            transaction_hash=f"0xeoa{self.signatures}" if self.kind == "EOA" else None,
        )
        return Signed(condition_id=condition, wire_ms=self.now_ms, signed=signed)

    def _next_nonce(self) -> int:
        """A safe's relayer counts what is under way; a batch and a key's own do not."""
        waiting = sum(one.state in (_T.NEW, _T.EXECUTED) for one in self.sent)
        return self.nonce + (waiting if self.kind == "SAFE" else 0)

    def _submit(self, effect: Submit) -> Event:
        condition, signed = effect.condition_id, effect.signed
        if self._lost():
            return Unclear(condition_id=condition, wire_ms=self.now_ms, reason="not sent")
        self._judge(condition, signed)
        refusal = self._refusal(signed)
        if refusal is not None:
            return Unclear(condition_id=condition, wire_ms=self.now_ms, reason=refusal)
        if self._lost(0.05):
            return Refused(condition_id=condition, wire_ms=self.now_ms, reason="429")
        courses = ("plain", "plain", "plain", "fails", "reverts", "invalid", "empty")
        course = self.rng.choice(courses) if self.faults else "plain"
        slow_ms = self.rng.choice((0, 0, 10_000, 50_000)) if self.faults else 0
        one = Sent(len(self.sent), condition, signed, course, self.now_ms, slow_ms)
        self.sent.append(one)
        if self._lost():
            return Unclear(condition_id=condition, wire_ms=self.now_ms, reason="answer lost")
        return Accepted(
            condition_id=condition,
            wire_ms=self.now_ms,
            transaction_id=str(one.number),
            transaction_hash=signed.transaction_hash,
        )

    def _refusal(self, signed: SignedTransaction) -> str | None:
        busy = any(one.state in (_T.NEW, _T.EXECUTED) for one in self.sent)
        if self.kind == "SAFE":
            return None
        if busy:
            return "wallet has in-flight action"
        if signed.nonce != self.nonce:
            return "nonce does not match"
        return None

    def _judge(self, condition: str, signed: SignedTransaction) -> None:
        """No second transaction of a claim while another one can still be executed beside it."""
        for one in self.sent:
            under_way = one.state in (_T.NEW, _T.EXECUTED)
            if one.condition == condition and under_way and one.signed.nonce != signed.nonce:
                raise ViolatedError(f"{signed} while {one} is under way")

    def _poll(self, claim: Claim) -> Event:
        condition = claim.condition_id
        if self._lost():
            return AskFailed(condition_id=condition, wire_ms=self.now_ms, reason="lost")
        if self.kind == "EOA":
            one = next((s for s in self.sent if s.hash == claim.transaction_hash), None)
        else:
            one = self.sent[int(claim.transaction_id or 0)]
        state = _T.EXECUTED if one is None else one.state
        if self._lost(0.02):
            state = _T.FORGOTTEN
        known = None if one is None or state in (_T.NEW, _T.EXECUTED) else one.hash
        return Polled(
            condition_id=condition,
            wire_ms=self.now_ms,
            state=state,
            transaction_hash=known,
            reason="",
        )

    def _read(self, claim: Claim) -> Event:
        condition = claim.condition_id
        if self._lost():
            return AskFailed(condition_id=condition, wire_ms=self.now_ms, reason="lost")
        payments = None if self._lost() else self._payments(condition)
        signed = claim.signed is not None
        return ChainRead(
            condition_id=condition,
            wire_ms=self.now_ms,
            shares=self.shares[condition],
            payments=payments,
            nonce=self.nonce if signed else None,
            chain_s=self.now_ms // 1_000 if signed else None,
        )

    def _payments(self, condition: str) -> tuple[Payment, ...]:
        """Blocks that may still be replaced are not listed."""
        final = {s.hash for s in self.sent if s.state is _T.CONFIRMED}
        return tuple(
            Payment(transaction_hash=name, micro_usd=MicroUsd(paid))
            for name, paid in self.received.get(condition, {}).items()
            if name in final or name.startswith("0xauto")
        )

    def _check(self, claim: Claim) -> Event:
        condition = claim.condition_id
        if self._lost():
            return AskFailed(condition_id=condition, wire_ms=self.now_ms, reason="lost")
        one = next((s for s in self.sent if s.hash == claim.transaction_hash), None)
        payments: tuple[Payment, ...] | None = None
        if one is not None and one.state in (_T.MINED, _T.CONFIRMED):
            came = self.received.get(condition, {}).get(one.hash, 0)
            paid = (Payment(transaction_hash=one.hash, micro_usd=MicroUsd(came)),)
            payments = paid if came else ()
        return ChainRead(
            condition_id=condition,
            wire_ms=self.now_ms,
            shares=self.shares[condition],
            payments=payments,
        )
