"""Alarms that latch: durable, said once while they last.

One is gone when a person clears it, or when who raised it finds that its cause is over.

``alarms/<id>.json`` and, once cleared, ``alarms/<id>.cleared.json``. Several processes may raise
and clear at once: the first durable file of a name wins.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

import msgspec

from checkpoints.errors import DamagedError, MissingFileError, StorageError
from checkpoints.severity import Severity
from checkpoints.small_file import from_json
from checkpoints.storage import NAME, Storage

ALARMS: Final = "alarms"
RAISES_MAX: Final = 100_000
"""Of one kind and subject: more than one a minute for two months means nobody reads them."""
LOOKS_MIN: Final = 2
"""At an unchanged folder: the second sees what changed within the stamp's own grain after the
first. Looks are a second apart, a grain is some milliseconds."""
SAFE_LENGTH_MAX: Final = 60
"""Two such parts and a number stay far below the 255 bytes of a file name."""
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.:+-]")


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    id: str = ""
    """Given by the store: ``<kind>.<subject>.<number>``."""
    kind: str
    subject: str
    """What it is about, e.g. a slot or a file. One alarm per kind and subject is latched."""
    severity: Severity
    action: str
    """What a person should do, or what the fleet did."""
    evidence: dict[str, str] = {}
    raised_wire_ms: int
    market_ms: int | None = None
    release: str | None = None


class Cleared(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    reason: str
    who: str
    cleared_wire_ms: int | None = None


class AlarmState(msgspec.Struct, frozen=True, kw_only=True):
    alarm: Alarm
    cleared: Cleared | None

    @property
    def latched(self) -> bool:
        return self.cleared is None


class Raised(msgspec.Struct, frozen=True, kw_only=True):
    alarm: Alarm
    """The latched one: as stored first, with its id."""
    new: bool
    """False: it was latched before; say nothing again."""


class AlarmStore:
    """One reader may look each second for years: what cannot change any more is read once."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._over: set[str] = set()
        """Cleared, and read to be so: nothing brings them back."""
        self._raised: dict[str, Alarm] = {}
        """Latched when last read; a stored alarm is never changed."""
        self._stamp: int | None = None
        self._looks = 0
        """At the folder while its stamp stayed the same."""
        self._latched: list[AlarmState] = []

    def raise_alarm(self, alarm: Alarm) -> Raised:
        """Latch an alarm durably, or return the one of its kind and subject that is latched."""
        stem = f"{_safe(alarm.kind)}.{_safe(alarm.subject)}"
        for number in range(self._cleared_count(stem) + 1, RAISES_MAX):
            identity = f"{stem}.{number}"
            numbered = msgspec.structs.replace(alarm, id=identity)
            if self._storage.create(_file(identity), msgspec.json.encode(numbered)):
                return Raised(alarm=numbered, new=True)
            present = self._read(identity)
            if present is not None and present.latched:
                return Raised(alarm=present.alarm, new=False)
        raise AssertionError(f"alarm {stem} was raised {RAISES_MAX} times")

    def clear(
        self, identity: str, reason: str, who: str, cleared_wire_ms: int | None = None
    ) -> bool:
        """Clear a latched alarm; False if it was cleared before. Raises `MissingFileError`."""
        assert reason, "a person says why"
        self._storage.read(_file(identity))
        cleared = Cleared(id=identity, reason=reason, who=who, cleared_wire_ms=cleared_wire_ms)
        return self._storage.create(_cleared_file(identity), msgspec.json.encode(cleared))

    def latched(self) -> list[AlarmState]:
        """Return the alarms that nobody has cleared, oldest first.

        A folder that has not changed is not listed again. Its stamp may be as coarse as some
        milliseconds, so what was found is confirmed once before it is believed.
        """
        stamp = self._storage.folder_stamp(ALARMS)
        if stamp is None or stamp != self._stamp:
            self._stamp, self._looks = stamp, 0
        if stamp is not None and self._looks >= LOOKS_MIN:
            return list(self._latched)
        self._looks += 1
        self._latched = self._read_latched()
        return list(self._latched)

    def _read_latched(self) -> list[AlarmState]:
        names = set(self._storage.names(f"{ALARMS}/"))
        states: list[AlarmState] = []
        for identity in sorted(_identities(names) - self._over):
            if _cleared_file(identity) not in names and identity in self._raised:
                states.append(AlarmState(alarm=self._raised[identity], cleared=None))
                continue
            state = self._read(identity)
            if state is None:
                continue
            if state.latched:
                self._raised[identity] = state.alarm
                states.append(state)
            else:
                self._over.add(identity)
                self._raised.pop(identity, None)
        return sorted(states, key=_age)

    def history(self) -> list[AlarmState]:
        """Return all alarms, oldest first. A damaged file is an alarm too, never one less."""
        return self.states(_identities(self._storage.names(f"{ALARMS}/")))

    def states(self, identities: Iterable[str]) -> list[AlarmState]:
        """Return these alarms, oldest first; one that is not there is left out."""
        states = [state for identity in identities if (state := self._read(identity))]
        return sorted(states, key=_age)

    def read(self, identity: str) -> AlarmState | None:
        """Return one alarm, over or not; None where there is no such file."""
        return self._read(identity)

    def _read(self, identity: str) -> AlarmState | None:
        try:
            alarm = from_json(self._storage.read(_file(identity)), Alarm, _file(identity))
        except MissingFileError:
            return None
        except (DamagedError, StorageError) as error:
            alarm = _damaged(identity, str(error))
        return AlarmState(alarm=alarm, cleared=self._read_cleared(identity))

    def _read_cleared(self, identity: str) -> Cleared | None:
        try:
            file = _cleared_file(identity)
            return from_json(self._storage.read(file), Cleared, file)
        except (DamagedError, StorageError):
            return None  # in doubt it is still latched

    def _cleared_count(self, stem: str) -> int:
        return sum(
            name.endswith(".cleared.json") for name in self._storage.names(f"{ALARMS}/{stem}.")
        )


def _identities(names: Iterable[str]) -> set[str]:
    return {
        name.removeprefix(f"{ALARMS}/").removesuffix(".json")
        for name in names
        if name.endswith(".json") and not name.endswith(".cleared.json") and NAME.fullmatch(name)
    }


def _age(state: AlarmState) -> tuple[int, str]:
    return state.alarm.raised_wire_ms, state.alarm.id


def _damaged(identity: str, error: str) -> Alarm:
    return Alarm(
        id=identity,
        kind="damaged_alarm",
        subject=identity,
        severity=Severity.CRITICAL,
        action="an alarm file is unreadable: check the disk, look into the logs, then clear it",
        evidence={"error": error},
        raised_wire_ms=0,
    )


def _safe(text: str) -> str:
    """Make text fit a file name; a digest keeps two that look alike apart."""
    if 0 < len(text) <= SAFE_LENGTH_MAX and not _UNSAFE.search(text) and "." not in text:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{_UNSAFE.sub('_', text).replace('.', '_')[:SAFE_LENGTH_MAX]}-{digest}"


def _file(identity: str) -> str:
    return f"{ALARMS}/{identity}.json"


def _cleared_file(identity: str) -> str:
    return f"{ALARMS}/{identity}.cleared.json"
