"""The console as one ASGI application: doors, pages, buttons."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.to_thread
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from actors.venue.kinds import VenueKind
from actors.venue.storage_mark import kind_in
from checkpoints.errors import CheckpointsError
from cluster.errors import ClusterError
from cluster.local.state_folder import StateFolder
from cluster.terminal.console import operator
from cluster.terminal.faults import report
from cluster.terminal.plain_text import plain
from cluster.web.fleet_live import FleetSight
from cluster.web.guard import LOGIN, Guard
from cluster.web.live import Live, Stream
from cluster.web.login import Login
from cluster.web.operators import OperatorJournal
from cluster.web.pages import BUTTONS, PAGES, Asked, Button, Page, Pressed
from cluster.web.render import STATIC, NavigationEntry, Renderer
from cluster.web.sessions import LoginCodes, Session, Sessions, cookie_name

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


class Console:
    """One fleet's console: what all its requests share."""

    def __init__(self, state: StateFolder) -> None:
        self.state = state
        self.sessions = Sessions()
        self.codes = LoginCodes(codes_folder(state))
        self.journal = OperatorJournal(state.root)
        self.fleet = fleet_name(state)
        entries = [NavigationEntry("/", "Fleet")]
        entries += [NavigationEntry(page.path, page.title) for page in PAGES if page.in_navigation]
        self.renderer = Renderer(self.fleet, KINDS[kind_in(state.storage)], entries)
        self.sight = FleetSight(state, self.renderer)
        self._threads: anyio.CapacityLimiter | None = None

    async def in_thread(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Run what reads files; at most `THREADS` of them at once."""
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(THREADS)
        return await anyio.to_thread.run_sync(call, *arguments, limiter=self._threads)

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


def codes_folder(state: StateFolder) -> Path:
    return state.root / "console" / "codes"


def fleet_name(state: StateFolder) -> str:
    """Return the word that is typed to halt: the name of the fleet's folder."""
    return state.root.name


def build(state: StateFolder) -> Starlette:
    """Return the console of one fleet."""
    console = Console(state)
    live = Live(console.sight)
    login = Login(console.sessions, console.codes, cookie_name(state.root), console.renderer)
    routes: list[BaseRoute] = [
        Route(LOGIN, login.show, methods=["GET"]),
        Route(LOGIN, login.enter, methods=["POST"]),
        Route("/logout", login.leave, methods=["POST"]),
        Route("/favicon.ico", _icon, methods=["GET"]),
        Mount("/static", _Static(directory=STATIC)),
        Route("/", _fleet(console, live), methods=["GET"]),
        Route("/live/fleet", Stream(live, console.sessions), methods=["GET"]),
        *(Route(page.path, _page(console, page), methods=["GET"]) for page in PAGES),
        *(Route(one.path, _button(console, one), methods=["POST"]) for one in BUTTONS),
    ]

    @asynccontextmanager
    async def while_it_serves(_app: Starlette) -> AsyncIterator[None]:
        reading = asyncio.create_task(live.run())
        try:
            yield
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    app = Starlette(routes=routes, exception_handlers=_handlers(console), lifespan=while_it_serves)
    app.add_middleware(
        Guard,
        sessions=console.sessions,
        cookie=cookie_name(state.root),
        renderer=console.renderer,
    )
    return app


class _Static(StaticFiles):
    """Files whose address holds their digest may be kept."""

    def file_response(self, *arguments: Any, **words: Any) -> Response:
        answer = super().file_response(*arguments, **words)
        answer.headers["Cache-Control"] = "private, max-age=31536000, immutable"
        return answer


def _icon(_request: Request) -> Response:
    return RedirectResponse("/static/icon.svg", 308)


def _fleet(console: Console, live: Live) -> Callable[[Request], Any]:
    async def show(request: Request) -> Response:
        seen = live.fragments.id  # before the view: what comes after it is sent again
        view = await console.in_thread(console.sight.view)
        return console.page(request, "fleet.html", title="Fleet", view=view, seen=seen)

    return show


def _page(console: Console, page: Page) -> Callable[[Request], Any]:
    async def show(request: Request) -> Response:
        asked = Asked(state=console.state, query=dict(request.query_params))
        try:
            view = await console.in_thread(page.view, asked)
        except (ClusterError, CheckpointsError, OSError) as error:
            return console.problem(request, page.title, error)
        return console.page(request, page.template, title=page.title, view=view)

    return show


def _button(console: Console, button: Button) -> Callable[[Request], Any]:
    async def press(request: Request) -> Response:
        form: dict[str, str] = request.state.form
        session: Session = request.state.session
        reason = reason_in(form)
        if isinstance(reason, Wrong):
            return console.page(
                request, "problem.html", 400, title=button.what, problem=reason.said
            )
        who = f"{operator()} (console session {session.number})"
        pressed = Pressed(state=console.state, form=form, reason=reason, who=who)
        about = plain(button.about(form), 200)
        record = console.journal.of(who, button.what, about, reason)
        try:
            session.said = await console.in_thread(record.of_call, button.press, pressed)
        except (ClusterError, CheckpointsError, OSError) as error:
            session.said = f"Refused: {plain(str(error), 2_000)}"
        return RedirectResponse(button.back, 303)

    return press


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    said: str


def reason_in(form: dict[str, str]) -> str | Wrong:
    """Return a reason as the record keeps it, or what is wrong with it."""
    reason = plain(" ".join(form.get("reason", "").split()), REASON_LETTERS_MAX + 1)
    if not reason:
        return Wrong(said="Write a reason: it is kept in the journal.")
    if len(reason) > REASON_LETTERS_MAX:
        return Wrong(said=f"The reason has more than {REASON_LETTERS_MAX} letters: write less.")
    return reason


def _handlers(console: Console) -> dict[Any, Callable[[Request, Any], Any]]:
    def missing(request: Request, _error: Exception) -> Response:
        if getattr(request.state, "session", None) is None:
            return HTMLResponse("there is no such page", 404)
        return console.page(
            request,
            "problem.html",
            404,
            title="No such page",
            problem="There is no such page here; the links above lead to all that there are.",
        )

    def fault(_request: Request, error: Exception) -> Response:
        said = report(["console"], error)
        return HTMLResponse(f"<!doctype html><title>Fault</title><p>{_escaped(said)}</p>", 500)

    return {404: missing, Exception: fault}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
