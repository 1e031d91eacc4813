"""How the fleet's Ray actors are made and found, so that any two releases can work together.

Ray pickles an actor's class for whoever creates or calls it, and copies every method into that
class, with the types that its annotations name. A process of another release that lacks one of
these names cannot load the class. So the class that `released` makes names nothing but itself, and
a handle from `actor_named` needs no class.
"""

import inspect
from typing import Any, Final

import ray

from actors.runtime import RAY_NAMESPACE

KEPT: Final = ("__module__", "__doc__", "__ray_")
"""Beginnings of the names that Ray's own class must have itself; the rest is inherited."""
ANY_ARGUMENTS: Final = (
    inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL),
    inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD),
)


def released(kind: type) -> Any:
    """Make a Ray actor of a class; its pickle names only that class, in its module."""
    actor: Any = ray.remote(kind)
    made = actor.__ray_metadata__.modified_class
    for name in [name for name in vars(made) if not name.startswith(KEPT)]:
        delattr(made, name)
    return actor


def actor_named(name: str, namespace: str = RAY_NAMESPACE) -> Any:
    """Return an actor's handle, of whichever release; raise `ValueError` if there is none."""
    handle = ray.get_actor(name, namespace=namespace)
    signatures = handle._ray_method_signatures  # noqa: SLF001 Ray has no public way
    handle._ray_method_signatures = dict.fromkeys(signatures, ANY_ARGUMENTS)  # noqa: SLF001
    return handle
