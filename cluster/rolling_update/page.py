"""What a plan would change, as lines for people. Pure."""

from collections.abc import Iterator
from typing import Final

from actors.rollout.plan import Plan
from cluster.terminal.counting import counted

FILES_SHOWN: Final = 20
LETTERS: Final = 12


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield from where to where, files, state, configuration, and what keeps it from starting."""
    for release, slots in plan.from_releases.items():
        if release != plan.to_release:
            yield f"  replaces {release[:LETTERS]} in {counted(len(slots), 'slot')}"
    running = plan.from_releases.get(plan.to_release, ())
    if running:
        yield f"  {counted(len(running), 'slot')} run it already"
    yield from (f"  {file.change:<8} {file.path}" for file in plan.files[:FILES_SHOWN])
    if len(plan.files) > FILES_SHOWN:
        yield f"  and {len(plan.files) - FILES_SHOWN} more files"
    yield f"  {plan.schema}: positions, orders and memory are carried over"
    if plan.dependencies != "unchanged":
        yield f"  dependencies: {plan.dependencies}"
    if plan.stays:
        yield f"  not replaced: {', '.join(plan.stays)} (`--all` replaces them too)"
    if plan.replaces:
        yield f"  then replaced: {', '.join(plan.replaces)}"
    yield from config_lines(plan)
    yield from (f"  REFUSED: {reason}" for reason in plan.refusals)


def config_lines(plan: Plan) -> Iterator[str]:
    """Yield what becomes of an edited configuration."""
    if not (plan.config_with_roll or plan.config_with_restart):
        return
    yield f"  configuration {plan.config_file}:"
    yield from (f"    comes with this roll: {line}" for line in plan.config_with_roll)
    yield from (
        f"    needs a restart (stop, then run): {line}" for line in plan.config_with_restart
    )
