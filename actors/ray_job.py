"""How a process knows that it is one of Ray's jobs. Standard library alone: it is read early."""

from typing import Final

JOB_MARK: Final = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Ray gives it to a job's entrypoint, with what the job's workers are to run."""
