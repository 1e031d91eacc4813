"""Actor classes between releases: what one process pickles, a process of another release loads."""

import pickle
import pickletools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ray import cloudpickle

from actors.gateway.actor import GatewayActor
from actors.market_data.actor import MarketDataActor
from actors.slot.actor import SlotActor
from actors.supervisor.actor import SupervisorActor

ACTORS = {
    "gateway": GatewayActor,
    "market_data": MarketDataActor,
    "slot": SlotActor,
    "supervisor": SupervisorActor,
}
OWN = ("actors", "checkpoints", "cluster", "signals")
ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent.parent / "golden/actor_classes"


def named_modules(data: bytes) -> set[str]:
    texts = {str(argument) for _, argument, _ in pickletools.genops(data) if argument is not None}
    return {text for text in texts if text.partition(".")[0] in OWN}


PICKLE = """
import sys
from ray import cloudpickle
from {module} import {name}
sys.stdout.buffer.write(cloudpickle.dumps({name}.__ray_metadata__.modified_class))
"""
"""Run in a process of its own: a test that imports a module anew would change what is pickled."""


@pytest.mark.parametrize("kind", ACTORS)
def test_the_pickle_of_an_actor_names_nothing_but_its_own_class(kind: str) -> None:
    module = f"actors.{kind}.actor"
    name = {"market_data": "MarketDataActor"}.get(kind, f"{kind.capitalize()}Actor")
    program = PICKLE.format(module=module, name=name)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=300, check=True
    )
    assert named_modules(done.stdout) == {module}


@pytest.mark.parametrize("kind", ACTORS)
def test_every_method_of_the_class_is_still_there(kind: str) -> None:
    made: Any = ACTORS[kind]
    again = pickle.loads(cloudpickle.dumps(made.__ray_metadata__.modified_class))
    assert {"status", "stop", "__init__", "__ray_terminate__"} <= set(dir(again))


@pytest.mark.parametrize("name", sorted(file.name for file in GOLDEN.iterdir()))
def test_what_an_older_release_pickled_to_create_an_actor_still_loads(name: str) -> None:
    """A supervisor that a roll left on its release starts slots of this one."""
    assert pickle.loads((GOLDEN / name).read_bytes()).__ray_actor_class__
