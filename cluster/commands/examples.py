"""Examples of every command, shown at the end of its `--help`. A test reads each of them."""

from collections.abc import Mapping
from typing import Final

import click

EXAMPLES: Final[Mapping[str, tuple[str, ...]]] = {
    "run": (
        "midstride run",
        "midstride run --for 120 --fresh",
        "midstride run --config my-fleet.toml --detach",
        "midstride run --mode live --stand-ins --config my-live.toml",
    ),
    "status": ("midstride status", "midstride status --json"),
    "console": ("midstride console", "midstride console --link"),
    "stop": ("midstride stop",),
    "doctor": ("midstride doctor", "midstride doctor --config my-fleet.toml"),
    "try": (
        "midstride try --signal my_signal",
        "midstride try --signal my_signal --tape recorded --html try.html",
        "midstride try --set blend.fair=0.7 --cycles 2000",
    ),
    "config": ("midstride config check", "midstride config new --out my-fleet.toml"),
    "config check": ("midstride config check --config my-fleet.toml",),
    "config show": ("midstride config show", "midstride config show --running"),
    "config new": (
        "midstride config new",
        "midstride config new --assets btc,eth --timeframes 5m --slot-usd 50",
    ),
    "tape": ("midstride tape check ../shared/data",),
    "tape check": ("midstride tape check ../shared/data",),
    "strategies": ("midstride strategies list", "midstride strategies new my_signal"),
    "strategies list": ("midstride strategies list",),
    "strategies new": ("midstride strategies new my_signal",),
    "update": (
        "midstride update",
        "midstride update --canary btc-5m --bake 3",
        "midstride update --slots btc-5m,eth-5m --yes",
    ),
    "rolling-update": ("midstride rolling-update status", "midstride rolling-update rollback"),
    "rolling-update abort": ("midstride rolling-update abort",),
    "rolling-update apply": (
        "midstride rolling-update apply",
        "midstride rolling-update apply --plan 3f9a2c",
    ),
    "rolling-update approve": ("midstride rolling-update approve 3f9a2c --key my.key",),
    "rolling-update params": (
        "midstride rolling-update params --set sizing.kelly_fraction=0.4",
        "midstride rolling-update params --set sizing.kelly_fraction=0.4 --slot btc-5m",
    ),
    "rolling-update plan": ("midstride rolling-update plan --replay 288",),
    "rolling-update resume": ("midstride rolling-update resume",),
    "rolling-update rollback": (
        "midstride rolling-update rollback",
        "midstride rolling-update rollback --to 0e68fc --slots btc-5m",
    ),
    "rolling-update status": ("midstride rolling-update status",),
    "trading": ("midstride trading halt", "midstride trading resume"),
    "trading drill": ("midstride trading drill",),
    "trading halt": ('midstride trading halt --reason "exchange announced maintenance"',),
    "trading reduce": ('midstride trading reduce --reason "going home"',),
    "trading resume": ('midstride trading resume --reason "maintenance is over"',),
    "alarms": ("midstride alarms list", 'midstride alarms clear 3f9a2 --reason "seen"'),
    "alarms list": ("midstride alarms list", "midstride alarms list --all --each"),
    "alarms clear": (
        'midstride alarms clear 3f9a2 --reason "restarted the router"',
        'midstride alarms clear --all --reason "seen after the power cut"',
    ),
    "alarms test": ("midstride alarms test",),
    "logs": (
        "midstride logs",
        "midstride logs btc-5m --follow",
        "midstride logs gateway --last 200",
    ),
    "pnl": (
        "midstride pnl",
        "midstride pnl --by slot",
        "midstride pnl --by hour --html pnl.html",
    ),
    "audit": ("midstride audit trades", "midstride audit check"),
    "audit trades": (
        "midstride audit trades --slot btc-5m --outcome lost",
        "midstride audit trades --columns signed,slot,side,pnl,release,intent",
    ),
    "audit trade": ("midstride audit trade 0x5be2e936",),
    "audit releases": ("midstride audit releases", "midstride audit releases --json"),
    "audit windows": ("midstride audit windows --mixed",),
    "audit check": ("midstride audit check",),
    "audit day": (
        "midstride audit day",
        "midstride audit day --date 2026-03-01",
        "midstride audit day --last",
    ),
    "audit evidence": ("midstride audit evidence 0e68fc --out evidence",),
    "audit reconcile": ("midstride audit reconcile",),
    "replay": (
        "midstride replay --last 64",
        "midstride replay --slot btc-5m --with 0e68fc",
    ),
    "blame": ("midstride blame 0x5be2e936", "midstride blame btc-5m@2026-03-01T12:00:20"),
    "gate": ("midstride gate list", "midstride gate key --out my.key"),
    "gate approve": ("midstride gate approve 3f9a2c --key my.key",),
    "gate first": ("midstride gate first", "midstride gate first --apply 3f9a2c"),
    "gate key": ("midstride gate key --out my.key",),
    "gate list": ("midstride gate list",),
    "gate show": ("midstride gate show 3f9a2c",),
    "live": ("midstride live new --operator-key operator.key", "midstride live show"),
    "live check": ("midstride live check --config my-live.toml",),
    "live keys": ("midstride live keys --config my-live.toml",),
    "live new": ("midstride live new --operator-key operator.key --out my-live.toml",),
    "live refresh": ("midstride live refresh --config my-live.toml",),
    "live show": ("midstride live show",),
    "launch": ("midstride launch --storage storage --sandbox-ready ready.json",),
    "head": ("midstride head start", "midstride head end"),
    "head end": ("midstride head end",),
    "head start": ("midstride head start",),
    "completion": (
        "midstride completion bash > ~/.local/share/bash-completion/completions/midstride",
        "midstride completion zsh > ~/.zfunc/_midstride",
        "midstride completion fish > ~/.config/fish/completions/midstride.fish",
    ),
}
"""By the words of the command."""
AS_WRITTEN: Final = "\b"
"""Tells click to keep the lines of a paragraph."""


def with_examples(command: click.Command, words: str) -> click.Command:
    """Put the examples at the end of a command's help, and of all commands below it."""
    lines = EXAMPLES.get(words, ())
    if lines:
        command.epilog = "\n".join((AS_WRITTEN, "Examples:", *(f"  {line}" for line in lines)))
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            with_examples(below, f"{words} {name}")
    return command
