"""The plan on one page."""

from cluster.rolling_update.plan import Plan

FILES_SHOWN = 20


def plan_page(plan: Plan) -> str:
    lines = [f"to release {plan.to_release[:12]} (commit {plan.commit[:12]}): {plan.change_class}"]
    lines += [
        f"  from {release[:12]}: {len(slots)} slots"
        for release, slots in plan.from_releases.items()
    ]
    lines += [f"  {file.change:<8} {file.path}" for file in plan.files[:FILES_SHOWN]]
    if len(plan.files) > FILES_SHOWN:
        lines.append(f"  and {len(plan.files) - FILES_SHOWN} more files")
    lines += [
        f"  schema: {plan.schema}",
        f"  dependencies: {plan.dependencies}",
        f"  order: {' '.join(plan.order)}",
        f"  stays on its release: {', '.join(plan.stays) or 'nothing'}",
    ]
    if plan.replaces:
        lines.append(f"  then gets a successor: {', '.join(plan.replaces)}")
    lines += config_lines(plan)
    lines += [f"  REFUSED: {reason}" for reason in plan.refusals]
    return "\n".join(lines)


def config_lines(plan: Plan) -> list[str]:
    """Say what becomes of an edited configuration."""
    if not (plan.config_with_roll or plan.config_with_restart):
        return []
    return [
        f"  configuration {plan.config_file}:",
        *(f"    comes with this roll: {line}" for line in plan.config_with_roll),
        *(f"    needs a restart (stop, then run): {line}" for line in plan.config_with_restart),
    ]
