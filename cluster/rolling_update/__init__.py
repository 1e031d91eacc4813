"""The rolling update: plan, the driver that performs the rollout machine's effects, its report."""
