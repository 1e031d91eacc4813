"""The console as one ASGI application: login, pages, buttons."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from html import escape
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage
from cluster.errors import ClusterError
from cluster.local.state_folder import StateFolder
from cluster.terminal.faults import report
from cluster.terminal.plain_text import plain
from cluster.web.all_pages import BUTTONS, PAGES
from cluster.web.console import WebConsole, Wrong, reason_in
from cluster.web.guard import LOGIN, Guard
from cluster.web.lanes import Lane
from cluster.web.live import Live, Stream
from cluster.web.login import Login
from cluster.web.pages import Asked, Button, Page, Pressed
from cluster.web.render import STATIC
from cluster.web.rollouts_live import RolloutSource
from cluster.web.sessions import Session, cookie_name
from cluster.web.trading_pages import TradingPages

PAGES_AT_ONCE: Final = 2
"""Pages of the record that are made at once: each takes up to a second of a core."""
PAGES_WAITING_MAX: Final = 30
"""Half a minute's; the next one is refused and its page says so."""
BUTTONS_AT_ONCE: Final = 4
"""One that starts a command waits some seconds for it to refuse."""


def build(state: StateFolder) -> Starlette:
    """Return the console of one fleet."""
    console = WebConsole(state)
    pages, buttons = (
        Lane(PAGES_AT_ONCE, PAGES_WAITING_MAX),
        Lane(BUTTONS_AT_ONCE, PAGES_WAITING_MAX),
    )
    live = Live(console.fleet_source)
    rolling = Live(RolloutSource(LocalStorage(state.storage), console.renderer, console.in_thread))
    login = Login(console.sessions, console.codes, cookie_name(state.root), console.renderer)
    routes: list[BaseRoute] = [
        Route(LOGIN, login.show, methods=["GET"]),
        Route(LOGIN, login.enter, methods=["POST"]),
        Route("/logout", login.leave, methods=["POST"]),
        Route("/favicon.ico", _icon, methods=["GET"]),
        Mount("/static", _Static(directory=STATIC)),
        Route("/", _fleet(console, live), methods=["GET"]),
        Route("/live/fleet", Stream(live, console.sessions), methods=["GET"]),
        Route("/live/rollouts", Stream(rolling, console.sessions), methods=["GET"]),
        *TradingPages(console, login).routes(),
        *(Route(page.path, _page(console, page, pages), methods=["GET"]) for page in PAGES),
        *(Route(one.path, _button(console, one, buttons), methods=["POST"]) for one in BUTTONS),
    ]

    @asynccontextmanager
    async def while_it_serves(_app: Starlette) -> AsyncIterator[None]:
        reading = asyncio.gather(live.run(), rolling.run())
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


def _fleet(console: WebConsole, live: Live) -> Callable[[Request], Any]:
    async def show(request: Request) -> Response:
        seen = live.fragments.id  # before the view: what comes after it is sent again
        view = await console.in_thread(console.fleet_source.view)
        return console.page(request, "fleet.html", title="Fleet", view=view, seen=seen)

    return show


def _page(console: WebConsole, page: Page, lane: Lane) -> Callable[[Request], Any]:
    async def show(request: Request) -> Response:
        asked = Asked(state=console.state, query=dict(request.query_params))
        try:
            view = await lane.run(page.view, asked)
        except (ClusterError, CheckpointsError, OSError) as error:
            return console.problem(request, page.title, error)
        return console.page(request, page.template, title=page.title, view=view)

    return show


def _button(console: WebConsole, button: Button, lane: Lane) -> Callable[[Request], Any]:
    async def press(request: Request) -> Response:
        form: dict[str, str] = request.state.form
        session: Session = request.state.session
        reason = reason_in(form)
        if isinstance(reason, Wrong):
            return console.page(
                request, "problem.html", 400, title=button.what, problem=reason.said
            )
        who = console.who(request)
        pressed = Pressed(state=console.state, form=form, reason=reason, who=who)
        about = plain(button.about(form), 200)
        record = console.journal.of(who, button.what, about, reason)
        try:
            session.said = await lane.run(record.of_call, button.press, pressed)
        except (ClusterError, CheckpointsError, OSError) as error:
            session.said = f"Refused: {plain(str(error), 2_000)}"
        return RedirectResponse(button.back + button.back_query(form), 303)

    return press


def _handlers(console: WebConsole) -> dict[Any, Callable[[Request, Any], Any]]:
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
        return HTMLResponse(f"<!doctype html><title>Fault</title><p>{escape(said)}</p>", 500)

    return {404: missing, Exception: fault}
