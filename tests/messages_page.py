"""docs/messages.md from the code that says it all: `python -m tests.messages_page` writes it."""

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import cluster
from actors.detectors.alarm_kind import AlarmKind
from actors.detectors.registry import SECTIONS
from actors.gateway.refusal_codes import OURS, UNSIGNED, VENUE, RefusalCode
from actors.rollout.errors import RolloutError
from cluster.errors import ClusterError
from tests.detectors_page import reaction_of

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "messages.md"
HEAD = """# Every alarm and every refusal

Made from the code that says them, by `python -m tests.messages_page`; a test compares.
Each says what happened and what to do first. A *release* is one exact version of the code. A *slot*
is one bot: one asset, one timeframe. The *gateway* is the one process that sends orders; the
*supervisor* watches all processes. A *roll* brings a release into the slots, one after the other.

## Alarms

`midstride alarms list` shows those that are on; each stays until a person clears it or its cause
is over. The last column is what the fleet does by default, besides what the text says: *reduce* is
only orders that lower exposure until `midstride trading resume`, *halt* is no order at all, *roll
back* returns the slots to the release before. `[policy]` in the configuration sets another
reaction for a kind.
"""
ORDERS: Final = """## Orders that are not sent or not taken

`midstride audit trade ID` shows the code of a refused order. The gateway checks in this order.
"""
PLANS: Final = """## Rolls that are refused

`midstride update`, `rolling-update apply` and `rollback` change nothing and say why; each reason is
one of these. Words in capitals stand for a value.
"""
ERRORS: Final = """## What commands say when they cannot do it

Shown after `error:`; the command ends with 1. Words in capitals stand for a value.
"""
REFUSERS: Final = {
    "actors/rollout/plan.py": ("_refusals", "way_back_refusals", "alarm_refusals"),
    "actors/rollout/message_versions.py": ("message_refusals",),
    "cluster/gate/document.py": ("drift",),
    "cluster/gate/policy.py": (
        "_not_exactly_that",
        "find_approval",
        "_dirty",
        "_undeclared",
        "_too_often",
    ),
    "cluster/gate/settings.py": ("frozen", "config_problems"),
}
"""Functions that return the reasons of a refusal."""
SENTENCE: Final = 3
"""Words from which a text is a reason and not a piece of one."""


# ---- the page ---------------------------------------------------------------------------------


def page() -> str:
    """Write the whole page."""
    return "\n".join(
        [
            HEAD,
            *(line for name, rows in SECTIONS.items() for line in _alarms(name, rows)),
            ORDERS,
            *_codes("By the gateway, before anything is sent", OURS),
            *_codes("By the venue", VENUE),
            *_codes("Not signed", UNSIGNED),
            PLANS,
            *(f"* {_cell(text)}" for text in refusals()),
            "",
            ERRORS,
            *(line for name in sorted(error_classes()) for line in _errors(name)),
        ]
    )


def _alarms(name: str, rows: Iterable[AlarmKind]) -> Iterator[str]:
    yield from (f"### {name}", "", "| alarm | | what happened | what to do | by itself |")
    yield "|---|---|---|---|---|"
    for row in rows:
        worst = "" if row.worst is None else f" to {row.worst}"
        cells = (
            f'<a id="{row.kind}"></a>`{row.kind}`',
            f"{row.severity}{worst}",
            row.means,
            row.remedy,
        )
        yield f"| {' | '.join(cells)} | {reaction_of(row)} |"
    yield ""


def _codes(name: str, rows: Iterable[RefusalCode]) -> Iterator[str]:
    yield from (f"### {name}", "", "| code | what happened | what to do |", "|---|---|---|")
    yield from (f"| `{row.code}` | {row.means} | {row.remedy} |" for row in rows)
    yield ""


def _errors(name: str) -> Iterator[str]:
    texts = sorted({text for one, text in raised() if one == name})
    if texts:
        about = (inspect.getdoc(error_classes()[name]) or "").splitlines()[0]
        yield from (f"### {name}", "", about, "", *(f"* {_cell(text)}" for text in texts), "")


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


# ---- what the code says -----------------------------------------------------------------------


def refusals() -> list[str]:
    """Return the reasons that the functions of `REFUSERS` give, in their order."""
    found: list[str] = []
    for file, names in REFUSERS.items():
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        functions = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
        for name in names:
            found += _sentences(functions[name])
    return list(dict.fromkeys(found))


def _sentences(function: ast.FunctionDef) -> Iterator[str]:
    """Yield texts of some words; the docstring and the pieces of a longer text are none."""
    pieces = {id(part) for one in ast.walk(function) for part in _pieces(one)}
    first = function.body[0]
    said = {id(first.value)} if isinstance(first, ast.Expr) else set()
    for node in ast.walk(function):
        is_text = isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str)
        )
        if is_text and id(node) not in pieces | said:
            text = template(node)
            if " " in text and len(re.findall(r"[a-z]{2,}", text)) >= SENTENCE:
                yield text


def _pieces(node: ast.AST) -> list[ast.expr]:
    return node.values if isinstance(node, ast.JoinedStr) else []


def error_classes() -> dict[str, type[Exception]]:
    """Return every class of error that ends a command, by name."""
    for module in pkgutil.walk_packages(cluster.__path__, "cluster."):
        if module.name.endswith(("errors", "state_lock", "plain_text")):
            importlib.import_module(module.name)
    found: dict[str, type[Exception]] = {}
    pending: list[type[Exception]] = [ClusterError, RolloutError]
    while pending:
        one = pending.pop()
        if not one.__module__.startswith("tests."):
            found[one.__name__] = one
        pending += one.__subclasses__()
    return found


def raised() -> Iterator[tuple[str, str]]:
    """Yield class and message of every place that raises such an error in words of its own."""
    classes = error_classes()
    files = [*(ROOT / "actors" / "rollout").rglob("*.py"), *(ROOT / "cluster").rglob("*.py")]
    for file in sorted(files):
        if "sandbox" in file.parent.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            call = node.exc if isinstance(node, ast.Raise) else None
            if not isinstance(call, ast.Call):
                continue
            name, text = _class_of(call.func), _message(call)
            if name in classes and " " in text and re.search("[a-z]{2}", text):
                yield name, text


def _class_of(node: ast.expr) -> str:
    owner = node.value if isinstance(node, ast.Attribute) else node
    return owner.id if isinstance(owner, ast.Name) else ""


def _message(call: ast.Call) -> str:
    texts = [template(one) for one in call.args]
    if _class_of(call.func) != "ConfigError":
        return "; ".join(texts)
    match call.func:
        case ast.Attribute(attr="unknown"):
            return f"FILE: unknown {texts[3] if len(texts) > 3 else 'key'} KEY; did you mean NEAR?"
        case ast.Attribute():
            return f"FILE: {texts[2]}"
        case _:
            return f"FILE: {texts[1] or 'FILE'} = VALUE: must be {texts[3]}"


def template(node: ast.expr) -> str:
    """Write a message; what is put in stands as a word in capitals."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(template(one) for one in values)
        case ast.Tuple(elts=parts):
            return "; ".join(template(one) for one in parts)
        case ast.IfExp(body=body, orelse=other):
            return f"{template(body)} / {template(other)}"
        case ast.FormattedValue(value=value):
            return template(value) if isinstance(value, ast.Call) else _place(value)
        case ast.Call(
            func=ast.Name(id="counted"), args=[count, ast.Constant(value=str(noun)), *plurals]
        ):
            plural = plurals[0].value if plurals and isinstance(plurals[0], ast.Constant) else ""
            return f"{_place(count)} {plural or f'{noun}s'}"
        case _:
            return _place(node)


def _place(node: ast.expr) -> str:
    names = [
        one.attr if isinstance(one, ast.Attribute) else one.id
        for one in ast.walk(node)
        if isinstance(one, ast.Attribute | ast.Name)
    ]
    chosen = [name for name in names if name not in ("join", "sorted", "len", "str", "hex")]
    return chosen[0].upper().strip("_") if chosen else "VALUE"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
