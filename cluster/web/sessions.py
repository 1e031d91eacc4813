"""Who is logged in: one-time codes in the state folder, sessions in the memory of the console.

A code is 256 random bits; the folder holds its digest alone. It is used by removing that file,
which the kernel lets one of several succeed in, so a link works once.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec

from actors.clock import wall_ms
from cluster.errors import ClusterError
from cluster.local.durable_files import write_durably

CODE_BYTES: Final = 32
CODE_MS_MAX: Final = 15 * 60_000
"""Wire: a link that nobody followed for a quarter of an hour is dead."""
CODES_MAX: Final = 32
"""Unused ones; the oldest go first."""
SESSION_S_MAX: Final = 12 * 3_600.0
"""A working day: then a new link is asked for."""
IDLE_S_MAX: Final = 3_600.0
"""Without a request and without a live page."""
SESSIONS_MAX: Final = 32
"""The one that was idle longest ends for the next."""
WRONG_PAUSE_S: Final = 0.5
"""Before the first wrong code is answered; doubles with each one in a row."""
WRONG_PAUSE_S_MAX: Final = 8.0
WRONG_WAITING_MAX: Final = 8
"""Wrong codes that wait for their answer at once; more are refused at once."""


class Session(msgspec.Struct, kw_only=True):
    id: str
    csrf: str
    number: int
    """Of this console, from 1: what the operators' journal names."""
    began_s: float
    seen_s: float
    live: int = 0
    """Pages that are open and follow the fleet."""
    said: str = ""
    """What the next page tells of the last button."""


class Sessions:
    """Of one console; they end with it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[str, Session] = {}
        self._count = 0

    def begin(self) -> Session:
        self._end_old()
        while len(self._open) >= SESSIONS_MAX:
            self.end(min(self._open.values(), key=lambda one: one.seen_s))
        self._count += 1
        now = self._clock()
        session = Session(
            id=secrets.token_urlsafe(CODE_BYTES),
            csrf=secrets.token_urlsafe(CODE_BYTES),
            number=self._count,
            began_s=now,
            seen_s=now,
        )
        self._open[session.id] = session
        return session

    def find(self, identities: Iterable[str]) -> Session | None:
        """Return the session that one of the cookies names, and count this as its use.

        Cookies know no ports: another program on this machine may have set one of the same name.
        """
        self._end_old()
        for identity in identities:
            for session in self._open.values():
                if hmac.compare_digest(session.id.encode(), identity.encode()):
                    session.seen_s = self._clock()
                    return session
        return None

    def holds(self, session: Session) -> bool:
        """Tell whether it is still open; a live page asks this all the time."""
        self._end_old()
        return session.id in self._open

    def end(self, session: Session) -> None:
        self._open.pop(session.id, None)

    def _end_old(self) -> None:
        now = self._clock()
        for session in list(self._open.values()):
            idle = not session.live and now - session.seen_s > IDLE_S_MAX
            if idle or now - session.began_s > SESSION_S_MAX:
                self.end(session)


class LoginCodes:
    """One-time codes of one fleet, made by a command and used at the console."""

    def __init__(self, folder: Path, now_ms: Callable[[], float] = wall_ms) -> None:
        self._folder = folder
        self._now_ms = now_ms

    def make(self) -> str:
        """Return a new code; raise `ClusterError` where its digest cannot be written."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ClusterError(
                f"{self._folder} cannot be made ({error.strerror}): free space, or name another "
                "--state"
            ) from error
        self._prune(CODES_MAX - 1)
        code = secrets.token_urlsafe(CODE_BYTES)
        write_durably(self._file(code), str(int(self._now_ms())).encode())
        return code

    def use(self, code: str) -> bool:
        """Tell whether a code is right, and end it."""
        file = self._file(code)
        try:
            made_ms = int(file.read_text(encoding="ascii"))
            file.unlink()
        except (OSError, ValueError):
            return False
        return 0 <= self._now_ms() - made_ms <= CODE_MS_MAX

    def _file(self, code: str) -> Path:
        return self._folder / hashlib.sha256(code.encode(errors="replace")).hexdigest()

    def _prune(self, kept: int) -> None:
        """Remove the oldest beyond `kept`."""
        try:
            files = sorted(self._folder.iterdir(), key=lambda file: file.stat().st_mtime_ns)
        except OSError:
            return  # one was used meanwhile
        for file in files[: max(0, len(files) - kept)]:
            file.unlink(missing_ok=True)


class WrongCodes:
    """Slows down who guesses; a right code is never slowed."""

    def __init__(self) -> None:
        self._in_a_row = 0
        self._waiting = 0

    @property
    def too_many(self) -> bool:
        return self._waiting >= WRONG_WAITING_MAX

    def right(self) -> None:
        self._in_a_row = 0

    def begin(self) -> float:
        """Count a wrong one; return how long its answer waits."""
        self._in_a_row = min(self._in_a_row + 1, 16)
        self._waiting += 1
        return float(min(WRONG_PAUSE_S * 2 ** (self._in_a_row - 1), WRONG_PAUSE_S_MAX))

    def answered(self) -> None:
        self._waiting -= 1


def cookie_name(root: Path) -> str:
    """Name the cookie of one fleet: two consoles on one machine share a browser's cookies."""
    return f"midstride-{hashlib.sha256(str(root).encode()).hexdigest()[:12]}"
