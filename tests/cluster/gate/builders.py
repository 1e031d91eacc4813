"""A fleet with two releases in its archive, an operator, and plans to approve."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from actors.config import FleetConfig, GateConfig, GateMode, Mode, SlotConfig, Venue
from actors.rollout.plan import Plan, change_class, file_changes
from actors.rollout.rollout_state import Options
from checkpoints.approvals import Statement
from checkpoints.archive import archive_release
from checkpoints.release import ReleaseManifest
from checkpoints.storage import Storage
from cluster.gate.document import Extras, PlanDocument, make_document
from cluster.gate.keys import public_of, sign
from cluster.gate.settings import HOUR_MS
from signals.market_time import MarketClock
from signals.params import Params

NOW_MS = 1_767_225_600_000 + 10 * HOUR_MS
"""2026-01-01 10:00 UTC."""
ALICE = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
MALLORY = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
KEYS = {"alice": public_of(ALICE)}
COMMIT = "c0ffee" * 6 + "c0ff"
SLOTS = ("btc-5m", "eth-5m")
URLS = tuple(field for field in Venue.__struct_fields__ if field.endswith("_url"))


def config(mode: GateMode | None = GateMode.CLOSED, **gate: object) -> FleetConfig:
    settings = {"operator_keys": KEYS, "minutes_between_rolls": 0.0, **gate}
    return FleetConfig(
        mode=Mode.SANDBOX,
        storage="/nowhere",
        clock=MarketClock(),
        venue=Venue(**dict.fromkeys(URLS, "http://127.0.0.1:1")),
        slots=tuple(SlotConfig(slot=slot) for slot in SLOTS),
        params=Params(),
        gate=replace(GateConfig(), mode=mode, **settings),
    )


def write_release(root: Path, weight: str = "30", lock: str = "ray==2.60.0\n") -> Path:
    """Make a small working tree."""
    (root / "signals").mkdir(parents=True, exist_ok=True)
    (root / "signals" / "factor.py").write_text(f"WEIGHT = {weight}\n")
    (root / "signals" / "params.toml").write_text(f"[weights]\npattern = {weight}\n")
    (root / "requirements.lock").write_text(lock)
    return root


def two_releases(storage: Storage, root: Path) -> tuple[ReleaseManifest, ReleaseManifest]:
    old = archive_release(storage, write_release(root / "old"), COMMIT)
    new = archive_release(storage, write_release(root / "new", weight="28"), COMMIT)
    return old, new


def plan_of(old: ReleaseManifest, new: ReleaseManifest) -> Plan:
    files = file_changes(old, new)
    return Plan(
        to_release=new.release,
        commit=COMMIT,
        from_releases={old.release: SLOTS},
        files=files,
        change_class=change_class(files),
        schema="slot state version 1, unchanged",
        dependencies="unchanged",
        order=SLOTS,
        first_due_ms={},
        stays=("gateway",),
        refusals=(),
    )


def document(
    storage: Storage,
    root: Path,
    fleet: FleetConfig | None = None,
    wire_ms: int = NOW_MS,
    commit: str = COMMIT,
) -> PlanDocument:
    old, new = two_releases(storage, root)
    extras = Extras(options=Options(canary="btc-5m"), wire_ms=wire_ms, commit=commit)
    return make_document(storage, plan_of(old, new), fleet or config(), extras)


def statement(plan: str, approved_ms: int = NOW_MS, hours: float = 24.0) -> Statement:
    return Statement(
        plan=plan,
        key=public_of(ALICE),
        who="alice",
        approved_wire_ms=approved_ms,
        expires_wire_ms=approved_ms + int(hours * HOUR_MS),
    )


def approval(plan: str, approved_ms: int = NOW_MS, hours: float = 24.0) -> bytes:
    return sign(ALICE, statement(plan, approved_ms, hours))
