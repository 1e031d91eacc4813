"""Who let a release in: plans and signed approvals, as they lie in the storage.

``gate/plans/<plan>.json``      the reviewed document, named by its SHA-256
``gate/approvals/<id>.json``    an operator's ed25519 signature over exactly one plan
``gate/applied/<plan>.json``    the right to apply was used; made once, so never used twice
``gate/baked/<plan>.json``      the release has proven itself: its staged limits end

An approval expires for the right to apply only: a plan that was applied in time covers its release
for ever (`checkpoints.approved_releases`). This guards against releases that nobody reviewed, not
against one who may write into the storage and runs code there; the gateway's answer is as good as
the folder it reads.
"""

import contextlib
import hashlib
import re
from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from checkpoints.errors import MissingFileError, RefusedValueError
from checkpoints.records import canonical_json
from checkpoints.storage import Storage

GATE: Final = "gate"
PLANS: Final = f"{GATE}/plans"
APPROVALS: Final = f"{GATE}/approvals"
APPLIED: Final = f"{GATE}/applied"
BAKED: Final = f"{GATE}/baked"
DOMAIN: Final = b"midstride approval 1\n"
"""In front of what is signed: the signature means nothing anywhere else."""
APPROVAL_BYTES_MAX: Final = 16 * 1024
PLAN_BYTES_MAX: Final = 8 * 1024 * 1024
SIZE_FULL_PERMILLE: Final = 1_000
FIRST: Final = "first"
"""Kind of the plan by which a stopped fleet starts."""
LIMIT: Final = "risk."
"""In front of a limit's name in such a plan."""
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_SIGNATURE: Final = re.compile(r"[0-9a-f]{128}")
_S = TypeVar("_S", bound=msgspec.Struct)


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """How carefully a new release starts."""

    size_permille: int = SIZE_FULL_PERMILLE
    """Of the slot limits, 1 .. 1000, until it is baked."""
    bake_decisions: int = 0
    """Good decisions of the release, all slots together, before it may be called baked."""


class PlanValue(msgspec.Struct, frozen=True, kw_only=True):
    """One setting that a plan brings."""

    key: str
    after: str


class PlanFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway reads of a plan; the whole document is `cluster.gate.document`."""

    to_release: str
    to_params: tuple[str, ...] = ()
    """Ids of the parameters that the plan brings; empty: as configured."""
    staged: Staged = Staged()
    in_place: bool = False
    """It sets parameters of a release that runs: it lets none in, and ends no staged limit."""
    change_class: str = ""
    params: tuple[PlanValue, ...] = ()

    @property
    def limits(self) -> dict[str, str]:
        """The limits of money that the plan approves: only one that starts a fleet names any."""
        if self.change_class != FIRST:
            return {}
        return {one.key: one.after for one in self.params if one.key.startswith(LIMIT)}


class ReplayFindings(msgspec.Struct, frozen=True, kw_only=True):
    """What the new release would have decided on recorded inputs."""

    decisions: int
    changed: int
    expected_changed_max: int
    """What the plan declares; shadow is held to the same share."""
    not_made: int = 0
    """Recorded decisions that could not be made again."""
    shown: tuple[str, ...] = ()
    """Some of the changed decisions, one line each."""


class _Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a plan document that is declared of decisions; a plan may declare nothing."""

    replay: ReplayFindings | None = None


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator signs."""

    plan: str
    """SHA-256 of the plan document."""
    key: str
    """Public key, hex."""
    who: str
    approved_wire_ms: int
    expires_wire_ms: int
    """Of the right to apply."""

    @property
    def id(self) -> str:
        return digest_of(canonical_json(self))

    def allows(self, applied_wire_ms: int) -> bool:
        return self.approved_wire_ms <= applied_wire_ms <= self.expires_wire_ms


class Approval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file: a statement and the signature over `signed_bytes` of it."""

    statement: Statement
    signature: str
    """Hex."""


class Application(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The right to apply one plan was used."""

    plan: str
    to_release: str
    applied_wire_ms: int
    who: str
    approval: str | None
    """Id of the statement; None where the gate was open or the glass broken."""
    break_glass: str | None = None
    """The reason given."""
    gate_open: bool = False


class Baked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    plan: str
    to_release: str
    decisions: int
    baked_wire_ms: int


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the gate that counts for nothing."""

    name: str
    reason: str


class GateFiles(msgspec.Struct, frozen=True, kw_only=True):
    """All files of the gate as they lie in the storage: name without folder and suffix -> bytes."""

    plans: dict[str, bytes] = {}
    approvals: dict[str, bytes] = {}
    applied: dict[str, bytes] = {}
    baked: dict[str, bytes] = {}


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def signed_bytes(statement: Statement) -> bytes:
    return DOMAIN + canonical_json(statement)


def verify(data: bytes, keys: Mapping[str, str]) -> Statement | str:
    """Return the statement that a key of `keys` (name -> public key, hex) signed, or why not."""
    if len(data) > APPROVAL_BYTES_MAX:
        return f"larger than {APPROVAL_BYTES_MAX} bytes"
    approval = strict(data, Approval)
    if isinstance(approval, str):
        return approval
    statement = approval.statement
    if not _DIGEST.fullmatch(statement.plan) or not _SIGNATURE.fullmatch(approval.signature):
        return "names no plan, or carries no signature"
    if statement.expires_wire_ms <= statement.approved_wire_ms:
        return "expires before it was given"
    if keys.get(statement.who) != statement.key:
        return f"{statement.who!r} with key {statement.key[:12]} is no operator of this fleet"
    if not _is_signed(statement, approval.signature):
        return "its signature is not of this statement"
    return statement


def _is_signed(statement: Statement, signature: str) -> bool:
    # here, not above: a slot has the gateway's handle and loads this module; it verifies nothing
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(statement.key))
        public.verify(bytes.fromhex(signature), signed_bytes(statement))
    except (InvalidSignature, ValueError):
        return False
    return True


def strict(data: bytes, kind: type[_S]) -> _S | str:
    """Decode canonical JSON and nothing but that, or say what is wrong."""
    try:
        value = msgspec.json.decode(data, type=kind)
        canonical = canonical_json(value)
    except (msgspec.MsgspecError, RefusedValueError, ValueError, RecursionError) as error:
        return f"unreadable: {error}"
    return value if canonical == data else "altered: not the bytes that were written"


def facts_of(digest: str, data: bytes) -> PlanFacts | str:
    """Read the gateway's part of a plan whose bytes must have this digest."""
    if len(data) > PLAN_BYTES_MAX or digest_of(data) != digest:
        return "altered: the plan's bytes have another digest"
    try:
        facts = msgspec.json.decode(data, type=PlanFacts)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return f"unreadable: {error}"
    if not 0 < facts.staged.size_permille <= SIZE_FULL_PERMILLE:
        return f"staged size {facts.staged.size_permille} is not in 1 .. {SIZE_FULL_PERMILLE}"
    return facts


def read_gate(storage: Storage) -> GateFiles:
    """Read all files of the gate: a few small ones for each roll."""
    return GateFiles(
        plans=_read_folder(storage, PLANS),
        approvals=_read_folder(storage, APPROVALS),
        applied=_read_folder(storage, APPLIED),
        baked=_read_folder(storage, BAKED),
    )


def read_in_force(storage: Storage) -> GateFiles:
    """Read as `read_gate`, but of the plans, the large files, only those that were applied."""
    applied = _read_folder(storage, APPLIED)
    plans: dict[str, bytes] = {}
    for plan in applied:
        with contextlib.suppress(MissingFileError):
            plans[plan] = storage.read(f"{PLANS}/{plan}.json")
    return GateFiles(
        plans=plans,
        approvals=_read_folder(storage, APPROVALS),
        applied=applied,
        baked=_read_folder(storage, BAKED),
    )


def _read_folder(storage: Storage, folder: str) -> dict[str, bytes]:
    """Read what is named by a digest; an editor's backup beside it is none of the gate's files."""
    found: dict[str, bytes] = {}
    for name in storage.names(f"{folder}/"):
        stem = name.removeprefix(f"{folder}/").removesuffix(".json")
        if not _DIGEST.fullmatch(stem):
            continue
        try:
            found[stem] = storage.read(name)
        except MissingFileError:
            continue  # removed between listing and reading: it is not there
    return found


def applications(storage: Storage) -> tuple[Application, ...]:
    """Return the plans that were applied, by whom and when; a file that is none is left out."""
    found = [strict(data, Application) for data in _read_folder(storage, APPLIED).values()]
    return tuple(one for one in found if isinstance(one, Application))


def last_declared(storage: Storage, release: str) -> ReplayFindings | None:
    """Return what the plan that was applied last for a release declares; None where nothing."""
    mine = [one for one in applications(storage) if one.to_release == release]
    if not mine:
        return None
    last = max(mine, key=lambda one: one.applied_wire_ms)
    try:
        data = storage.read(f"{PLANS}/{last.plan}.json")
        return msgspec.json.decode(data, type=_Declaration).replay
    except (MissingFileError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
