"""One fleet's console: what all its requests share."""

from collections.abc import Callable
from typing import Any, Final

import anyio
import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from actors.venue.kinds import VenueKind
from actors.venue.storage_mark import kind_in
from checkpoints.storage import LocalStorage
from cluster.local.state_folder import StateFolder
from cluster.terminal.console import operator
from cluster.terminal.plain_text import plain
from cluster.web.address import codes_folder
from cluster.web.all_pages import PAGES
from cluster.web.fleet_live import FleetSource
from cluster.web.operators import OperatorJournal, who_pressed
from cluster.web.render import NavigationEntry, Renderer
from cluster.web.sessions import LoginCodes, Session, Sessions

THREADS: Final = 4
"""Pages that are made at once; more wait. Each may read a day of journal."""
REASON_LETTERS_MAX: Final = 500
UNREADABLE: Final = 503
KINDS: Final = {
    None: "no fleet yet",
    VenueKind.SANDBOX: "sandbox: a simulated exchange",
    VenueKind.PAPER: "PAPER: orders never leave this machine",
    VenueKind.REHEARSAL: "LIVE REHEARSAL: orders never leave this machine",
    VenueKind.LIVE: "LIVE: real money",
}


class WebConsole:
    """One fleet's console: what all its requests share."""

    def __init__(self, state: StateFolder) -> None:
        self.state = state
        self.sessions = Sessions()
        self.codes = LoginCodes(codes_folder(state))
        self.journal = OperatorJournal(state.root)
        self.fleet = fleet_name(state)
        entries = [NavigationEntry("/", "Fleet")]
        entries += [NavigationEntry(page.path, page.title) for page in PAGES]
        self.renderer = Renderer(self.fleet, KINDS[kind_in(state.storage)], entries)
        self.fleet_source = FleetSource(state, self.renderer)
        self._threads: anyio.CapacityLimiter | None = None

    async def in_thread(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Run what reads files; at most `THREADS` of them at once."""
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(THREADS)
        return await anyio.to_thread.run_sync(call, *arguments, limiter=self._threads)

    @property
    def storage(self) -> LocalStorage:
        return LocalStorage(self.state.storage)

    def who(self, request: Request) -> str:
        """Name who presses a button: the account that the console runs under, and the session."""
        return who_pressed(operator(), request.state.session.number)

    def page(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """Show a template in the frame of all pages, with what the last button said."""
        session: Session = request.state.session
        said, session.said = session.said, ""
        return self.renderer.page(
            template, status, session=session, path=request.url.path, said=said, **values
        )

    def problem(self, request: Request, title: str, error: Exception) -> Response:
        return self.page(
            request, "problem.html", UNREADABLE, title=title, problem=plain(str(error), 2_000)
        )


def fleet_name(state: StateFolder) -> str:
    """Return the word that is typed to halt: the name of the fleet's folder."""
    return state.root.name


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    said: str


def any_reason(form: dict[str, str]) -> str:
    """Return the reason of a halt, which none is too long for: the beginning of it is kept."""
    return _reason(form)[:REASON_LETTERS_MAX] or "operator"


def reason_in(form: dict[str, str]) -> str | Wrong:
    """Return a reason as the record keeps it, or what is wrong with it."""
    reason = _reason(form)
    if not reason:
        return Wrong(said="Write a reason: it is kept in the journal.")
    if len(reason) > REASON_LETTERS_MAX:
        return Wrong(said=f"The reason has more than {REASON_LETTERS_MAX} letters: write less.")
    return reason


def _reason(form: dict[str, str]) -> str:
    return plain(" ".join(form.get("reason", "").split()), REASON_LETTERS_MAX + 1)
