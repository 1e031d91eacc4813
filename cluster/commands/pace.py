"""The words that pace a rolling update, shared by the commands that plan and start one."""

from collections.abc import Callable, Container
from typing import Any, TypeVar

import click

from actors.rollout.rollout_state import Options
from cluster.commands.arguments import SLOT, SLOTS
from cluster.gate.document import PlanDocument
from cluster.local.jobs import git_commit
from cluster.terminal.console import operator

_F = TypeVar("_F", bound=Callable[..., Any])

PACE = (
    click.option("--canary", type=SLOT, help="Replace this slot first, alone."),
    click.option(
        "--bake",
        type=click.IntRange(0),
        default=0,
        help="The canary must make this many good decisions before the other slots follow.",
    ),
    click.option(
        "--shadow",
        type=click.IntRange(0),
        default=1,
        help=(
            "Before a slot switches, let the new code decide this often beside the old "
            "one, and compare."
        ),
    ),
    click.option(
        "--expect",
        type=click.Choice(["identical", "report"]),
        default="report",
        help="If such a decision differs: stop the roll (identical) or only report it.",
    ),
    click.option(
        "--fast", is_flag=True, help="Compare on recorded decisions; do not wait for new ones."
    ),
    click.option(
        "--together",
        is_flag=True,
        help="Switch all slots after the canary at once, between two decision times.",
    ),
    click.option(
        "--slots",
        type=SLOTS,
        default="",
        help="Comma-separated slots, e.g. btc-5m,eth-5m [default: all].",
    ),
    click.option(
        "--all", is_flag=True, help="Afterwards also replace supervisor, market data and gateway."
    ),
    click.option("--commit", help="Git commit of the working tree [default: ask git]."),
    click.option(
        "--config",
        type=click.Path(dir_okay=False),
        help="Configuration whose changes come along [default: the file of the last start].",
    ),
    click.option("--submitted", type=float, hidden=True, help="Set by the command that submits."),
)


def pace_options(function: _F) -> _F:
    """Add the words that say how a rollout is paced."""
    for option in reversed(PACE):
        function = option(function)
    return function


def gate_options(function: _F) -> _F:
    """Add the words that an entrance through the gate needs."""
    options = (
        click.option("--plan", help="Apply exactly this approved plan (first letters of its id)."),
        click.option(
            "--break-glass", help="Go without approval; write the reason, it is kept with an alarm."
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def planned_options(words: dict[str, Any], document: PlanDocument, said: Container[str]) -> Any:
    """Return the words of a plan; what was said on the command line stays, to be refused by it."""
    options, plan = document.options, document.plan
    planned = {
        "canary": options.canary,
        "bake": options.bake,
        "shadow": options.shadow,
        "expect": "identical" if options.identical else "report",
        "fast": options.fast,
        "together": options.together,
        "slots": ",".join(plan.order),
        "all": bool(plan.replaces),
    }
    return {**words, **{name: value for name, value in planned.items() if name not in said}}


def job_options(given: dict[str, Any]) -> list[str]:
    """Return the words as the job's options; a number counts also when it is 0."""
    options = []
    for name, value in given.items():
        option = name.replace("_", "-")
        if value is True:
            options.append(f"--{option}")
        elif value is not None and value is not False and value != "":
            options.append(f"--{option}={value}")
    return options


def request_of(words: dict[str, Any], to_release: str | None, verb: str = "apply") -> Any:
    from cluster.rolling_update.planning import Request

    options = Options(
        canary=words["canary"],
        bake=words["bake"],
        shadow=words["shadow"],
        identical=words["expect"] == "identical",
        fast=words["fast"],
        together=words["together"],
    )
    return Request(
        options=options,
        slots=tuple(name.strip() for name in words["slots"].split(",") if name.strip()),
        to_release=to_release,
        commit=words["commit"] or git_commit(),
        submitted_wire_ms=words["submitted"],
        everything=words["all"],
        verb=verb,
        who=operator(),
        plan=words.get("plan"),
        break_glass=words.get("break_glass"),
        config=words.get("config"),
    )
