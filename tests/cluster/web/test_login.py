import asyncio
from pathlib import Path

from cluster.web.sessions import CODE_MS_MAX, LoginCodes
from tests.cluster.web.console_client import OWN, client_of, code_of, log_in, state_in


def test_a_link_logs_in_once(tmp_path: Path) -> None:
    async def run() -> list[int]:
        state = state_in(tmp_path)
        code = code_of(state)
        async with client_of(state) as client:
            return [
                (await client.post("/login", data={"code": code}, headers=OWN)).status_code
                for _ in range(2)
            ]

    assert asyncio.run(run()) == [303, 403]


def test_of_two_who_follow_a_link_at_once_one_gets_in(tmp_path: Path) -> None:
    codes = LoginCodes(tmp_path / "codes")
    code = codes.make()

    async def both() -> list[bool]:
        return await asyncio.gather(*(asyncio.to_thread(codes.use, code) for _ in range(8)))

    assert sum(asyncio.run(both())) == 1


def test_an_old_link_is_dead(tmp_path: Path) -> None:
    now = [0.0]
    codes = LoginCodes(tmp_path / "codes", lambda: now[0])
    code, later = codes.make(), codes.make()
    now[0] = CODE_MS_MAX
    assert codes.use(code)
    now[0] += 1
    assert not codes.use(later)


def test_who_signed_out_is_asked_to_log_in(tmp_path: Path) -> None:
    async def run() -> list[int]:
        state = state_in(tmp_path)
        async with client_of(state) as client:
            csrf = await log_in(client, state)
            cookie = dict(client.cookies)
            out = await client.post("/logout", data={"csrf": csrf}, headers=OWN)
            client.cookies.update(cookie)  # a thief kept it
            after = await client.get("/")
            return [out.status_code, after.status_code]

    assert asyncio.run(run()) == [303, 401]
