"""How the fleet's Ray actors are made and found, so that any two releases can work together.

Ray pickles an actor's class for whoever creates or calls it, and copies every method into that
class, with the types that its annotations name. A process of another release that lacks one of
these names cannot load the class. So the class that `released` makes names nothing but itself, and
a handle from `actor_named` needs no class.
"""

import importlib
import inspect
from collections.abc import Callable
from typing import Any, Final, TypeVar

import ray

from actors.runtime import RAY_NAMESPACE
from checkpoints.archive import archive_uri

T = TypeVar("T")
CLASSES: Final = {
    "supervisor": ("actors.supervisor.actor", "SupervisorActor"),
    "market-data": ("actors.market_data.actor", "MarketDataActor"),
    "gateway": ("actors.gateway.actor", "GatewayActor"),
}
"""First part of an actor's name -> module and class; every other actor is a slot's."""
SLOT_CLASS: Final = ("actors.slot.actor", "SlotActor")
KEPT: Final = ("__module__", "__doc__", "__ray_")
"""Beginnings of the names that Ray's own class must have itself; the rest is inherited."""
ANY_ARGUMENTS: Final = (
    inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL),
    inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD),
)


def older_method(*_: object) -> None:
    """Stand for a method that only older releases have: nothing of this release calls it."""


def with_older_methods(*names: str) -> Callable[[type[T]], type[T]]:
    """Give a class the names of methods that older releases carry in the pickle of theirs.

    A supervisor that a roll left on its release creates actors of this one by its own pickle.
    """

    def give(kind: type[T]) -> type[T]:
        for name in names:
            if not hasattr(kind, name):
                setattr(kind, name, older_method)
        return kind

    return give


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


def create(name: str, storage_root: str, release: str | None) -> Any:
    """Create the detached actor of a name, ``btc-5m/7`` or ``gateway/2``; return its handle.

    It runs its release from the archive, the creator's own release too: one id, one set of files.
    None: there is no archive, it runs in the creator's environment. The constructor is not waited
    for. Raises `RayError`, and `ValueError` where the name is taken.
    """
    who, _, number = name.partition("/")
    module, kind = CLASSES.get(who, SLOT_CLASS)  # imported here: who only asks needs none of it
    actor = getattr(importlib.import_module(module), kind)
    code: dict[str, Any] = {}
    if release is not None:
        code = {"runtime_env": {"working_dir": archive_uri(storage_root, release)}}
    options = actor.options(
        name=name,
        namespace=RAY_NAMESPACE,
        lifetime="detached",
        max_restarts=-1,
        num_cpus=0,
        **code,
    )
    if who in CLASSES:
        return options.remote(storage_root, name)
    return options.remote(storage_root, who, int(number))
