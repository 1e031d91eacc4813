"""The redeemer is killed at each step, for each type of wallet, against the real sandbox process.

Nothing else runs: no Ray, no gateway, no supervisor. What the redeemer needs of them is nothing.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep

import pytest

from actors.redemption.claim import Step
from tests.actors.redemption.winning import (
    WAIT_S,
    Wallet,
    claims_exchange,
    judge,
    wallets,
    win,
)
from tests.actors.sandbox import Sandbox, admin, fault

pytestmark = pytest.mark.exchange
HOLD_MS = 2_500
"""Longer than a kill takes to follow the step that it waits for, on a busy machine."""


def hold_signing(exchange: Sandbox) -> None:
    fault(exchange, "delay", "GET /gamma/markets/keyset", delay_ms=HOLD_MS)


def hold_submits(exchange: Sandbox) -> None:
    fault(exchange, "delay", "POST /relayer/submit", delay_ms=HOLD_MS)
    fault(exchange, "delay", "POST /rpc", delay_ms=HOLD_MS // 2)


def hold_answers(exchange: Sandbox) -> None:
    fault(exchange, "delay_answer", "POST /relayer/submit", delay_ms=HOLD_MS)
    fault(exchange, "delay_answer", "POST /rpc", delay_ms=HOLD_MS // 2)


def hold_nothing(exchange: Sandbox) -> None:
    del exchange


def hold_nodes(exchange: Sandbox) -> None:
    fault(exchange, "delay", "POST /rpc", delay_ms=HOLD_MS // 2)


Hold = Callable[[Sandbox], None]
POINTS: dict[str, tuple[Step, Hold]] = {
    "before its turn": (Step.WAITING, hold_nothing),
    "while it is signed": (Step.SIGNING, hold_signing),
    "written, on its way out": (Step.SUBMITTING, hold_submits),
    "taken, answer not read": (Step.SUBMITTING, hold_answers),
    "has its id": (Step.POLLING, hold_nothing),
    "in a block": (Step.MINED, hold_nothing),
    "final, not checked": (Step.CHECKING, hold_nodes),
    "booked": (Step.PAID, hold_nothing),
}
SHORT = ("taken, answer not read",)


def kill_at(wallet: Wallet, point: str) -> None:
    step, _ = POINTS[point]
    wallet.start()
    claim = wallet.await_step(step)
    wallet.kill()
    wallet.kills[claim.condition_id] = point
    kept = wallet.book().claims[claim.condition_id]
    assert kept.phase is step or step is Step.WAITING, f"{point}: the kill came late: {kept.phase}"


def finish(wallet: Wallet, conditions: list[str]) -> None:
    """Begin anew and go on until every market is booked."""
    wallet.start()
    finish_running(wallet, conditions)


def finish_running(wallet: Wallet, conditions: list[str]) -> None:
    deadline = monotonic() + WAIT_S
    while not all(
        name in wallet.book().claims and not wallet.book().claims[name].open for name in conditions
    ):
        assert monotonic() < deadline, f"{wallet.kind}: {wallet.book()} {wallet.log()}"
        sleep(0.1)


def play(folder: Path, points: tuple[str, ...], markets: int, speed: int) -> None:
    with claims_exchange(folder, speed) as exchange, wallets(exchange) as who:
        conditions = win(exchange, who, markets)
        with ThreadPoolExecutor(len(who)) as pool:
            for point in points:
                POINTS[point][1](exchange)
                list(pool.map(kill_at, who, [point] * len(who)))
                admin(exchange, "DELETE", "/faults")
            list(pool.map(finish, who, [conditions] * len(who)))
        show(exchange, who, conditions)


def show(exchange: Sandbox, who: list[Wallet], conditions: list[str]) -> None:
    """Print what the exchange's ledger says of each kill, and hold it to it."""
    print("\n| wallet | killed | sent | paid | owed | booked |\n|---|---|---|---|---|---|")
    for wallet in who:
        book = wallet.book()
        for condition, judged in judge(exchange, wallet).items():
            booked = book.claims[condition].paid_micro_usd
            point = wallet.kills.get(condition, "-")
            payments = " + ".join(f"{paid / 1e6:.2f}" for paid in judged.payments)
            print(
                f"| {wallet.kind} | {point} | {judged.sent} | {payments} "
                f"| {judged.owed / 1e6:.2f} | {booked / 1e6:.2f} |"
            )
            assert judged.payments == (judged.owed,), f"{wallet.kind}, killed {point}"
            assert booked == judged.owed
        assert set(book.claims) == set(conditions)
        assert book.owed_micro_usd == 0


def test_killed_at_the_worst_step_each_wallet_is_paid_once(tmp_path: Path) -> None:
    play(tmp_path, SHORT, markets=1, speed=30)


@pytest.mark.nemesis
def test_killed_at_each_step_each_wallet_is_paid_once(tmp_path: Path) -> None:
    play(tmp_path, tuple(POINTS), markets=len(POINTS), speed=8)


@pytest.mark.nemesis
def test_a_lost_answer_a_replaced_block_and_auto_redeem_pay_once(tmp_path: Path) -> None:
    """The first submission's answer is lost and its block replaced; another market goes by itself.

    Between them a false "zero position balance".
    """
    with claims_exchange(tmp_path, 30) as exchange, wallets(exchange) as who:
        wallet = who[0]
        conditions = win(exchange, [wallet], 3)
        fault(exchange, "drop_answer", "POST /relayer/submit", count=1)
        fault(exchange, "transaction", mode="reverts", count=1)
        fault(exchange, "transaction", mode="precheck", count=1)
        wallet.start()
        wallet.await_step(Step.SUBMITTING)
        waiting = wallet.await_step(Step.WAITING)
        fault(exchange, "auto_redeem", match=waiting.slug)
        finish_running(wallet, conditions)
        wallet.kills[waiting.condition_id] = "by itself"
        show(exchange, [wallet], conditions)
