"""The real console in this process, asked as a browser asks it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from cluster.local.state_folder import StateFolder
from cluster.web.address import codes_folder
from cluster.web.app import build
from cluster.web.sessions import LoginCodes

HOST = "127.0.0.1:8420"
BASE = f"http://{HOST}"
OWN = {"Origin": BASE, "Sec-Fetch-Site": "same-origin"}


def state_in(folder: Path, name: str = "fleet-a") -> StateFolder:
    state = StateFolder(folder / name)
    state.storage.mkdir(parents=True)
    return state


@asynccontextmanager
async def client_of(state: StateFolder) -> AsyncIterator[httpx.AsyncClient]:
    app = build(state)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=BASE
        ) as client,
    ):
        yield client


def code_of(state: StateFolder) -> str:
    return LoginCodes(codes_folder(state)).make()


async def log_in(client: httpx.AsyncClient, state: StateFolder) -> str:
    """Log in; return the field that forms of this session have."""
    answer = await client.post("/login", data={"code": code_of(state)}, headers=OWN)
    assert answer.status_code == 303, answer.text
    page = await client.get("/")
    assert page.status_code == 200, page.text
    return page.text.partition('name="csrf" value="')[2].partition('"')[0]
