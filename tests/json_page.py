"""docs/json.md from the structs that `--json` writes: `python -m tests.json_page` writes it."""

import ast
import inspect
import textwrap
import types
import typing
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from actors.rollout.abort import Ended
from actors.rollout.report import Report
from checkpoints.alarms import AlarmState
from checkpoints.approvals import Application, Statement
from cluster.audit.chain import TradeChain
from cluster.audit.completeness import Completeness
from cluster.audit.evidence_files import Pack
from cluster.audit.pnl import PnlReport
from cluster.audit.problem import Problem
from cluster.audit.reconcile import Reconciled
from cluster.audit.releases import ReleaseReport
from cluster.audit.trades import Trade
from cluster.audit.windows import WindowReport
from cluster.commands.strategies import StrategyRow
from cluster.config.show import Setting
from cluster.daily_audit.report import DayAudit
from cluster.gate.document import PlanDocument
from cluster.halting.drill import DrillResult
from cluster.halting.halt import TradingSet
from cluster.local.findings import Finding
from cluster.local.launch import Launched
from cluster.local.log_files import LogLine
from cluster.replay.blame import Blame
from cluster.replay.result import Replayed
from cluster.rolling_update.announce import Announced
from cluster.rolling_update.params import Changed
from cluster.status.page import StatusReport
from cluster.tape.check import TapeReport
from cluster.terminal.console import SCHEMA
from cluster.try_signal.result import TryResult

PAGE = Path(__file__).parent.parent / "docs" / "json.md"
HEAD = f"""# What `--json` writes

Made from the structs that the commands write, by `python -m tests.json_page`; a test compares.

Every command with `--json` writes one object to stdout and its messages to stderr. `schema` is
{SCHEMA}: it grows when a field goes or means something else; fields may be added without that.
Units stand last in a name: `_ms` is milliseconds (market time UTC unless the name says `wire`),
`_micro_usd` millionths of a USD. Shares, also where the name does not say so, are millionths of a
share. A release, commit or parameter id is whole here; people see its beginning.
"""
RECORD: dict[str, Any] = {"problems": tuple[Problem, ...], "checked": tuple[str, ...]}
DOCUMENTS: dict[str, Any] = {
    "status": StatusReport,
    "alarms list": {"alarms": tuple[AlarmState, ...]},
    "doctor": {"findings": tuple[Finding, ...]},
    "tape check": {"tape": TapeReport},
    "config show": {"settings": tuple[Setting, ...]},
    "strategies list": {"strategies": tuple[StrategyRow, ...]},
    "logs": {"lines": tuple[LogLine, ...]},
    "trading": TradingSet,
    "trading drill": DrillResult,
    "rolling-update plan": Announced,
    "rolling-update apply": Report,
    "rolling-update abort": Ended,
    "rolling-update params": Changed,
    "gate show": {"plan": str, "document": PlanDocument},
    "gate approve": {"approval": str, "statement": Statement},
    "gate first": Application,
    "audit trades": {"trades": tuple[Trade, ...], **RECORD},
    "audit trade": TradeChain,
    "audit releases": {"releases": tuple[ReleaseReport, ...], **RECORD},
    "audit windows": {"windows": tuple[WindowReport, ...], **RECORD},
    "audit check": Completeness,
    "audit day": DayAudit,
    "audit evidence": Pack,
    "audit reconcile": Reconciled,
    "pnl": PnlReport,
    "replay": Replayed,
    "blame": Blame,
    "try": TryResult,
    "launch": Launched,
}


def page() -> str:
    """Write the whole page: each command's document, then each struct once."""
    structs: dict[str, type[msgspec.Struct]] = {}
    lines = [HEAD, "## Documents", "", "| command | object |", "|---|---|"]
    for command, document in DOCUMENTS.items():
        if isinstance(document, dict):
            fields = ", ".join(f"`{key}`: {told(kind, structs)}" for key, kind in document.items())
            lines.append(f"| `{command}` | {fields} |")
        else:
            lines.append(f"| `{command}` | {told(document, structs)} |")
    lines += ["", "## Structs", ""]
    done: set[str] = set()
    while waiting := [name for name in structs if name not in done]:
        for name in waiting:
            done.add(name)
            lines += rows(structs[name], structs)
    return "\n".join(lines).rstrip() + "\n"


def rows(struct: type[msgspec.Struct], structs: dict[str, type[msgspec.Struct]]) -> Iterator[str]:
    about = inspect.cleandoc(struct.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    yield f"### {struct.__name__}"
    yield ""
    if about:
        yield about
        yield ""
    yield "| field | type | meaning |"
    yield "|---|---|---|"
    meanings = docs_of(struct)
    for field in msgspec.structs.fields(struct):
        meaning = meanings.get(field.name, "").replace("|", "\\|")
        yield f"| `{field.encode_name}` | {told(field.type, structs)} | {meaning} |"
    yield ""


def docs_of(struct: type) -> dict[str, str]:
    """Return the text that stands below each field."""
    found: dict[str, str] = {}
    for base in reversed(struct.__mro__):
        if base.__module__.split(".")[0] in {"actors", "checkpoints", "cluster", "signals"}:
            found |= _docs_in(base)
    return found


def _docs_in(struct: type) -> dict[str, str]:
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(struct))).body
    assert isinstance(tree, ast.ClassDef)
    found: dict[str, str] = {}
    name = ""
    for part in tree.body:
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            name = part.target.id
        elif isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant) and name:
            found[name] = " ".join(str(part.value.value).split())
            name = ""
        else:
            name = ""
    return found


def told(kind: Any, structs: dict[str, type[msgspec.Struct]]) -> str:
    """Write a type for people; structs that it names are remembered."""
    kind = getattr(kind, "__supertype__", kind)
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin in {typing.Union, types.UnionType}:
        return " or ".join("null" if one is type(None) else told(one, structs) for one in inside)
    if origin in {tuple, list, frozenset, set}:
        return f"list of {told(inside[0], structs)}"
    if origin is dict:
        return f"object of {told(inside[1], structs)} by {told(inside[0], structs)}"
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        structs.setdefault(kind.__name__, kind)
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(f"`{one.value}`" for one in kind)
    plain = {
        int: "whole number",
        float: "number",
        str: "text",
        bool: "true or false",
        bytes: "text",
    }
    return plain.get(kind, "any")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
