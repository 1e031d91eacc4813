"""Approvals that are not: how each is forged, and the two places that must refuse it."""

import random
from collections import Counter
from collections.abc import Callable

from msgspec.structs import replace

from checkpoints.approvals import (
    Application,
    Approval,
    GateFiles,
    Statement,
    digest_of,
    signed_bytes,
    verify,
)
from checkpoints.approved_releases import coverage
from checkpoints.records import canonical_json
from cluster.gate.document import PlanDocument
from cluster.gate.keys import public_of, sign
from cluster.gate.policy import Asked, Denied, judge
from cluster.gate.settings import HOUR_MS
from tests.cluster.gate.builders import ALICE, KEYS, MALLORY, NOW_MS, approval, config, statement

COUNT = 1_000
SEED = 20260101


def tampered_bit(rng: random.Random, plan: str) -> bytes:
    data = bytearray(approval(plan))
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def tampered_field(rng: random.Random, plan: str) -> bytes:
    """Change what was signed and write it well-formed again."""
    good = statement(plan)
    changed = rng.choice(
        [
            replace(good, expires_wire_ms=good.expires_wire_ms + rng.randint(1, 10**9)),
            replace(good, approved_wire_ms=good.approved_wire_ms - rng.randint(1, 10**9)),
            replace(good, who=f"alice{rng.randint(0, 9)}"),
            replace(good, key=f"{rng.getrandbits(256):064x}"),
        ]
    )
    signature = ALICE.sign(signed_bytes(good)).hex()
    return canonical_json(Approval(statement=changed, signature=signature))


def expired(rng: random.Random, plan: str) -> bytes:
    hours = rng.uniform(0.01, 24)
    return approval(plan, NOW_MS - int(hours * HOUR_MS) - rng.randint(1, 10**9), hours)


def from_the_future(rng: random.Random, plan: str) -> bytes:
    return approval(plan, NOW_MS + rng.randint(2, 10**9))


def wrong_key(rng: random.Random, plan: str) -> bytes:
    """Another's signature, under its own name and key or under the operator's."""
    good = statement(plan)
    stranger = public_of(MALLORY)
    claimed = rng.choice(
        [good, replace(good, who="mallory", key=stranger), replace(good, key=stranger)]
    )
    return sign(MALLORY, replace(claimed, expires_wire_ms=NOW_MS + rng.randint(1, 10**9)))


def other_plan(rng: random.Random, plan: str) -> bytes:
    """A good signature over another plan, as it is or with this plan's name put in."""
    elsewhere = statement(f"{rng.getrandbits(256):064x}")
    if rng.random() < 0.5:
        return sign(ALICE, elsewhere)
    signature = ALICE.sign(signed_bytes(elsewhere)).hex()
    return canonical_json(Approval(statement=replace(elsewhere, plan=plan), signature=signature))


def truncated(rng: random.Random, plan: str) -> bytes:
    data = approval(plan)
    return data[: rng.randrange(len(data))]


def padded(rng: random.Random, plan: str) -> bytes:
    return approval(plan) + rng.choice([b"\n", b" ", b"{}", b"\0" * 20_000])


def signed_elsewhere(rng: random.Random, plan: str) -> bytes:
    """Sign the statement without the domain in front: a signature asked for by another program."""
    good = replace(statement(plan), expires_wire_ms=NOW_MS + rng.randint(1, 10**9))
    signature = ALICE.sign(canonical_json(good)).hex()
    return canonical_json(Approval(statement=good, signature=signature))


FORGERIES: tuple[Callable[[random.Random, str], bytes], ...] = (
    tampered_bit,
    tampered_field,
    expired,
    from_the_future,
    wrong_key,
    other_plan,
    truncated,
    padded,
    signed_elsewhere,
)


def asked(plan: str, made: PlanDocument, files: GateFiles) -> Asked:
    return Asked(
        digest=plan,
        signed=made,
        now=made,
        gate=config().gate,
        is_open=False,
        files=files,
        wire_ms=NOW_MS + 1,
    )


def applied_by_hand(plan: str, made: PlanDocument, data: bytes) -> bytes:
    """What one would write who has the storage and no key: a record that names the forgery."""
    read = verify(data, KEYS)
    return canonical_json(
        Application(
            plan=plan,
            to_release=made.to_release,
            applied_wire_ms=NOW_MS + 1,
            who="mallory",
            approval=read.id if isinstance(read, Statement) else statement(plan).id,
        )
    )


def replayed(rng: random.Random, plan: str, made: PlanDocument) -> bool:
    """Show a good approval after its roll, and its record beside a plan made at another time."""
    good, text = {"again": approval(plan)}, canonical_json(made)
    record = applied_by_hand(plan, made, approval(plan))
    used = GateFiles(plans={plan: text}, approvals=good, applied={plan: record})
    later = replace(made, made_wire_ms=made.made_wire_ms + rng.randint(1, 10**9))
    other = digest_of(canonical_json(later))
    copied = GateFiles(
        plans={other: canonical_json(later)}, approvals=good, applied={other: record}
    )
    at_the_door = isinstance(judge(asked(plan, made, used)), Denied)
    return at_the_door and not coverage(copied, KEYS).releases


def refusals(seed: int, count: int, plan: str, made: PlanDocument) -> Counter[str]:
    """Forge `count` approvals; return how many of each kind both judges refused."""
    rng, text, refused = random.Random(seed), canonical_json(made), Counter[str]()
    for number in range(count):
        kind = number % (len(FORGERIES) + 1)
        if kind == len(FORGERIES):
            refused["replayed"] += replayed(rng, plan, made)
            continue
        forge = FORGERIES[kind]
        data = forge(rng, plan)
        files = GateFiles(plans={plan: text}, approvals={"forged": data})
        used = replace(files, applied={plan: applied_by_hand(plan, made, data)})
        at_the_door = isinstance(judge(asked(plan, made, files)), Denied)
        at_the_gateway = not coverage(used, KEYS).releases
        refused[forge.__name__] += at_the_door and at_the_gateway
    return refused
