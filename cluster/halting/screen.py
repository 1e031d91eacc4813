"""What a halt tells a person."""

from collections.abc import Iterator
from typing import Final, assert_never

from cluster.halting.halt import GatewayEnd, TradingSet
from cluster.halting.proof import Proof
from cluster.terminal.counting import counted

IDS_SHOWN: Final = 10


def halt_lines(done: TradingSet) -> Iterator[str]:
    yield f"trading is {done.state}"
    if done.gateway is not None:
        yield _gateway_line(done, done.gateway)
    if done.file_problem is not None:
        yield (
            f"the HALT file could not be written in full ({done.file_problem}): free space, then "
            "halt again, so that the reason stands in it"
        )
    if done.proof is not None:
        yield from _proof_lines(done.proof)


def _gateway_line(done: TradingSet, end: GatewayEnd) -> str:
    match end:
        case GatewayEnd.CONFIRMED:
            return "gateway: it holds the halt and sends no order"
        case GatewayEnd.ENDED:
            return f"gateway: it did not answer ({done.gateway_said}), so its process was ended"
        case GatewayEnd.NONE_RUNS:
            return "gateway: none runs, so no order can be sent"
        case GatewayEnd.NOT_KNOWN:
            return f"gateway: NOT KNOWN, it may still send orders: {done.gateway_said}"
        case GatewayEnd.FOLDER_GONE:
            return (
                f"gateway: {done.gateway_said}; every process that carried its mark was ended. A "
                "fleet of the same account in another folder or on another machine is not stopped"
            )
        case GatewayEnd.NO_FLEET:
            return (
                "no fleet was started here yet, so no order can be open; the first start will not "
                "trade until `midstride trading resume`"
            )
        case _ as never:
            assert_never(never)


def _proof_lines(proof: Proof) -> Iterator[str]:
    if proof.last_cancel_ms is not None:
        yield (
            f"venue: {counted(proof.cancelled, 'order')} cancelled, the last one acknowledged "
            f"{proof.last_cancel_ms / 1_000:.2f} s after the halt began"
        )
    for held in proof.held[:IDS_SHOWN]:
        gone = "still open" if held.order_id in proof.open_orders else "waited for"
        yield f"venue: {held.order_id} could not be cancelled at first ({held.reason}): {gone}"
    for order_id in proof.open_orders[:IDS_SHOWN]:
        yield f"venue: {order_id} is open"
    if len(proof.open_orders) > IDS_SHOWN:
        yield f"venue: and {len(proof.open_orders) - IDS_SHOWN} more are open"
    if proof.proven:
        yield f"PROVEN after {proof.took_ms / 1_000:.1f} s: {proof.said}"
    else:
        yield f"NOT PROVEN: {proof.said}"
