"""Who let a release in: plans, signed approvals and what they cover, read from the storage.

``gate/plans/<plan>.json``      the reviewed document, named by its SHA-256
``gate/approvals/<id>.json``    an operator's ed25519 signature over exactly one plan
``gate/applied/<plan>.json``    the right to apply was used; made once, so never used twice
``gate/baked/<plan>.json``      the release has proven itself: its staged limits end

An approval expires for the right to apply only: a plan that was applied in time covers its release
for ever. This guards against releases that nobody reviewed, not against one who may write into the
storage and runs code there; the gateway's answer is as good as the folder it reads.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from checkpoints.errors import MissingFileError, RefusedValueError
from checkpoints.records import canonical_json
from checkpoints.storage import Storage

PLANS: Final = "gate/plans"
APPROVALS: Final = "gate/approvals"
APPLIED: Final = "gate/applied"
BAKED: Final = "gate/baked"
DOMAIN: Final = b"midstride approval 1\n"
"""In front of what is signed: the signature means nothing anywhere else."""
APPROVAL_BYTES_MAX: Final = 16 * 1024
PLAN_BYTES_MAX: Final = 8 * 1024 * 1024
SIZE_FULL_PERMILLE: Final = 1_000
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_SIGNATURE: Final = re.compile(r"[0-9a-f]{128}")
_S = TypeVar("_S", bound=msgspec.Struct)


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """How carefully a new release starts."""

    size_permille: int = SIZE_FULL_PERMILLE
    """Of the slot limits, 1 .. 1000, until it is baked."""
    bake_decisions: int = 0
    """Good decisions of the release, all slots together, before it may be called baked."""


class PlanFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway reads of a plan; the whole document is `cluster.gate.document`."""

    to_release: str
    to_params: tuple[str, ...] = ()
    """Ids of the parameters that the plan brings; empty: as configured."""
    staged: Staged = Staged()


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


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Which releases may trade while the gate is closed."""

    releases: frozenset[str] = frozenset()
    params: frozenset[str] = frozenset()
    size_permille: dict[str, int] = {}
    """Of releases that are not baked yet."""
    forced: frozenset[str] = frozenset()
    """Those that came in by break-glass alone."""
    refused: tuple[Refused, ...] = ()

    def size_of(self, release: str) -> int:
        """Return the share of the slot limits that a release may use, permille."""
        return self.size_permille.get(release, SIZE_FULL_PERMILLE)


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
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(statement.key))
        public.verify(bytes.fromhex(approval.signature), signed_bytes(statement))
    except (InvalidSignature, ValueError):
        return "its signature is not of this statement"
    return statement


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


def _read_folder(storage: Storage, folder: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name in storage.names(f"{folder}/"):
        try:
            found[name.removeprefix(f"{folder}/").removesuffix(".json")] = storage.read(name)
        except MissingFileError:
            continue  # removed between listing and reading: it is not there
    return found


def coverage(files: GateFiles, keys: Mapping[str, str]) -> Coverage:
    """Say which releases the files cover. Pure; what is damaged covers nothing and is named."""
    refused: list[Refused] = []
    statements: dict[str, list[Statement]] = {}
    for name, data in sorted(files.approvals.items()):
        verified = verify(data, keys)
        if isinstance(verified, str):
            refused.append(Refused(name=f"{APPROVALS}/{name}.json", reason=verified))
        else:
            statements.setdefault(verified.plan, []).append(verified)
    admitted: list[tuple[str, PlanFacts, Application]] = []
    for plan, data in sorted(files.applied.items()):
        found = _admitted(plan, data, files, statements.get(plan, []))
        if isinstance(found, str):
            refused.append(Refused(name=f"{APPLIED}/{plan}.json", reason=found))
        else:
            admitted.append((plan, *found))
    return _sum_up(admitted, frozenset(_baked(files)), tuple(refused))


def _admitted(
    plan: str, data: bytes, files: GateFiles, statements: list[Statement]
) -> tuple[PlanFacts, Application] | str:
    application = strict(data, Application)
    if isinstance(application, str):
        return application
    facts = facts_of(plan, files.plans.get(plan, b""))
    if isinstance(facts, str):
        return facts
    if (application.plan, application.to_release) != (plan, facts.to_release):
        return "names another plan or release"
    if application.break_glass:
        return facts, application
    for statement in statements:
        in_time = statement.allows(application.applied_wire_ms)
        if in_time and statement.id == application.approval:
            return facts, application
    return "no valid approval covers it at the time it was applied"


def _baked(files: GateFiles) -> Iterator[str]:
    for plan, data in files.baked.items():
        baked = strict(data, Baked)
        if not isinstance(baked, str) and baked.plan == plan:
            yield plan


def _sum_up(
    admitted: list[tuple[str, PlanFacts, Application]],
    baked: frozenset[str],
    refused: tuple[Refused, ...],
) -> Coverage:
    sizes: dict[str, int] = {}
    approved: set[str] = set()
    for plan, facts, application in admitted:
        size = SIZE_FULL_PERMILLE if plan in baked else facts.staged.size_permille
        sizes[facts.to_release] = max(size, sizes.get(facts.to_release, 0))
        if not application.break_glass:
            approved.add(facts.to_release)
    return Coverage(
        releases=frozenset(sizes),
        params=frozenset(name for _, facts, _ in admitted for name in facts.to_params),
        size_permille={name: size for name, size in sizes.items() if size < SIZE_FULL_PERMILLE},
        forced=frozenset(sizes) - approved,
        refused=refused,
    )
