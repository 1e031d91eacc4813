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
    lines += [f"  REFUSED: {reason}" for reason in plan.refusals]
    return "\n".join(lines)
