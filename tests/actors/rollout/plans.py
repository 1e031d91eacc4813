"""A plan that says nothing but its slots."""

from actors.rollout.plan import Plan


def plan(order: tuple[str, ...]) -> Plan:
    return Plan(
        to_release="new",
        commit="c",
        from_releases={"old": order},
        files=(),
        change_class="signal",
        schema="unchanged",
        dependencies="unchanged",
        order=order,
        first_due_ms={},
        stays=(),
        refusals=(),
    )
