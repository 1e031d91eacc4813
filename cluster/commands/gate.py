"""`gate`: operator keys, plans, approvals. `approve` is also a word of `rolling-update`."""

from pathlib import Path
from typing import Final

import click

from actors.clock import wall_ms
from actors.config import FleetConfig
from actors.rollout.rollout_state import Options
from actors.runtime import CONFIG_FILE, load_config
from checkpoints.approvals import Statement, read_gate, verify
from checkpoints.approved_releases import coverage
from checkpoints.archive import archive_release
from checkpoints.storage import LocalStorage
from cluster.gate.admission import Wish, admit
from cluster.gate.document import Extras, find_plan, load_plan, store_plan
from cluster.gate.errors import GateError
from cluster.gate.keys import make_key, public_of, read_key, sign, store_approval
from cluster.gate.page import document_page
from cluster.gate.policy import history_of, waiting
from cluster.gate.settings import HOUR_MS, config_problems, notice
from cluster.gate.small_plans import first_document
from cluster.local.jobs import WORKING_TREE, git_commit
from cluster.terminal.console import (
    emit,
    json_option,
    notify,
    operator,
    show_line,
    show_text,
    state_of,
    state_option,
)

SHOWN: Final = 20


@click.group("gate")
def command() -> None:
    """Approve new code before it may trade."""


@command.command("key")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
def key_command(out: Path) -> None:
    """Make a key for approvals; print the line for the configuration's [gate] table."""
    public = make_key(out)
    notify(f"private key in {out}: keep it off the machine that trades")
    show_line(f'operator_keys = {{ NAME = "{public}" }}')


@command.command("show")
@click.argument("plan")
@state_option
@json_option
def show_command(plan: str, state: str | None, as_json: bool) -> None:  # noqa: FBT001 click's way
    """Show a plan; the first letters of its id are enough."""
    storage = LocalStorage(state_of(state).storage)
    digest = find_plan(storage, plan)
    document = load_plan(storage, digest)
    if as_json:
        emit({"plan": digest, "document": document})
        return
    show_text(document_page(digest, document))


@command.command("list")
@state_option
@json_option
def list_command(state: str | None, as_json: bool) -> None:  # noqa: FBT001 click's way
    """Show whether approval is needed, what was rolled out, and which releases may trade."""
    folder = state_of(state)
    config = _config(folder.storage)
    files = read_gate(LocalStorage(folder.storage))
    covered = coverage(files, config.gate.operator_keys)
    approved = waiting(files, config.gate.operator_keys, int(wall_ms()))
    if as_json:
        emit(
            {
                "open": config.gate_is_open,
                "applied": history_of(files),
                "waiting": approved,
                "releases": sorted(covered.releases),
                "forced": sorted(covered.forced),
                "size_permille": covered.size_permille,
                "refused": covered.refused,
            }
        )
        return
    notify(notice(config))
    for applied in history_of(files)[-SHOWN:]:
        how = f"BREAK-GLASS: {applied.break_glass}" if applied.break_glass else "approved"
        how = "gate open" if applied.gate_open and not applied.break_glass else how
        show_text(f"{applied.plan[:12]}  release {applied.to_release[:12]}  {applied.who}  {how}")
    for plan in approved[:SHOWN]:
        show_text(f"{plan[:12]}  approved, not applied yet")
    for refused in covered.refused[-SHOWN:]:
        show_text(f"{refused.name[-24:]}  ignored: {refused.reason}")


@command.command("approve")
@click.argument("plan")
@click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="MIDSTRIDE_OPERATOR_KEY",
    required=True,
    help="File of your private key.",
)
@click.option("--hours", type=float, help="For how many hours the plan may be applied.")
@click.option("--yes", is_flag=True, envvar="YES", help="Skip the question.")
@state_option
@json_option
def approve(
    plan: str,
    key_file: Path,
    hours: float | None,
    yes: bool,  # noqa: FBT001 click's way
    state: str | None,
    as_json: bool,  # noqa: FBT001 click's way
) -> None:
    """Sign one plan with your key, so that it may be applied once."""
    folder = state_of(state)
    storage, config = LocalStorage(folder.storage), _config(folder.storage)
    _check(config)
    digest = find_plan(storage, plan)
    document = load_plan(storage, digest)
    key = read_key(key_file)
    now_ms = int(wall_ms())
    statement = Statement(
        plan=digest,
        key=public_of(key),
        who=_operator_of(public_of(key), config),
        approved_wire_ms=now_ms,
        expires_wire_ms=now_ms + _lifetime_ms(hours, config),
    )
    notify(document_page(digest, document))
    if not yes and not click.confirm("approve exactly this?", err=True):
        raise GateError("not approved; nothing was written")
    data = sign(key, statement)
    verified = verify(data, config.gate.operator_keys)
    assert isinstance(verified, Statement), verified
    name = store_approval(storage, data, statement)
    if as_json:
        emit({"approval": name, "statement": statement})
    else:
        notify(
            f"approved for the next {(statement.expires_wire_ms - now_ms) / HOUR_MS:g} h: {name}"
        )


command.add_command(approve)


@command.command("first")
@click.option(
    "--apply", "plan", help="Let the release in by this approved plan (first letters of its id)."
)
@click.option(
    "--break-glass", help="Let it in without approval; write the reason, it is kept with an alarm."
)
@state_option
@json_option
def first_command(
    plan: str | None,
    break_glass: str | None,
    state: str | None,
    as_json: bool,  # noqa: FBT001 click's way
) -> None:
    """Plan this tree as the first release of a new fleet; with --apply let it in."""
    folder = state_of(state)
    storage, config = LocalStorage(folder.storage), _config(folder.storage)
    commit, now_ms = git_commit(), int(wall_ms())
    manifest = archive_release(storage, WORKING_TREE, commit)
    extras = Extras(options=Options(), wire_ms=now_ms, commit=commit)
    document = first_document(storage, manifest.release, config, extras)
    if plan is None:
        digest = store_plan(storage, document)
        if as_json:
            emit({"plan": digest, "document": document})
        else:
            show_text(document_page(digest, document))
        return
    wish = Wish(
        plan=find_plan(storage, plan), who=operator(), wire_ms=now_ms, break_glass=break_glass
    )
    admission = admit(storage, config, document, wish)
    for note in admission.notes:
        notify(note)
    if as_json:
        emit(admission.application)
    else:
        notify(f"release {manifest.release[:12]} may trade")


def _check(config: FleetConfig) -> None:
    problems = config_problems(config.gate, is_open=config.gate_is_open)
    if problems:
        raise GateError("; ".join(problems))


def _operator_of(public: str, config: FleetConfig) -> str:
    names = [name for name, key in config.gate.operator_keys.items() if key == public]
    if not names:
        raise GateError(
            f"the key {public[:12]} is not in gate.operator_keys of the configuration: "
            "add it, or name "
            "another key with --key"
        )
    return names[0]


def _lifetime_ms(hours: float | None, config: FleetConfig) -> int:
    allowed = config.gate.approval_hours
    wanted = allowed if hours is None else hours
    if not 0 < wanted <= allowed:
        raise GateError(f"--hours {wanted:g}: must be above 0 up to {allowed:g}")
    return int(wanted * HOUR_MS)


def _config(storage: Path) -> FleetConfig:
    try:
        return load_config(str(storage))
    except FileNotFoundError:
        raise GateError(
            f"{storage / CONFIG_FILE} is missing: start the fleet once with `midstride run`"
        ) from None
