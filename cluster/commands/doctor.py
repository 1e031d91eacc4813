"""`doctor`: what is wrong here, and what to do."""

from pathlib import Path

import click

from cluster.local.doctor import examine
from cluster.local.findings import Verdict
from cluster.terminal.console import (
    emit,
    json_option,
    show_text,
    state_of,
    state_option,
)


@click.command("doctor")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Configuration file (TOML) [default: what the fleet here was launched with, else "
    "cluster/configs/sandbox.toml].",
)
@state_option
@json_option
def command(config: Path | None, state: str | None, as_json: bool) -> int:  # noqa: FBT001 click
    """Check configuration, key, venue, clock, disk and more."""
    findings = list(examine(state_of(state), config))
    if as_json:
        emit(findings, "findings")
    else:
        for found in findings:
            show_text(f"{found.verdict:>7}  {found.what}: {found.detail}")
    return 1 if any(found.verdict is Verdict.FAULT for found in findings) else 0
