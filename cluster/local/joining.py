"""How our programs join Ray: as drivers whose output is their own. No other place does it."""

import logging
from typing import Any


def join_ray(**options: Any) -> None:
    """Do as `ray.init`; raises what it raises.

    Ray hands every driver the workers' logs and what its own processes warn of, and prints both on
    stdout, into whatever a command writes there: a table, a JSON document. Both stay in Ray's logs.
    """
    import ray
    from ray._private import worker

    worker.print_to_stdstream = _leave_out
    ray.init(logging_level=logging.ERROR, log_to_driver=False, **options)


def _leave_out(*_: object, **__: object) -> None:
    """Print nothing."""
