"""Every place in the product that raises an alarm, with the kinds that it may raise: by reading."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
MAKERS = {"Finding", "Alarm", "RaiseAlarm"}
"""Structs with a `kind`; each is made where an alarm begins."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Site(NamedTuple):
    file: str
    line: int
    kinds: frozenset[str]
    severity: str
    """What stands at `severity=`; empty: nothing."""


class Module(NamedTuple):
    file: str
    tree: ast.Module
    constants: dict[str, str]
    calls: list[tuple[Function | None, ast.Call]]


def product() -> tuple[Module, ...]:
    files = [
        file for top in ("actors", "cluster", "checkpoints") for file in (ROOT / top).rglob("*.py")
    ]
    trees = [(file, ast.parse(file.read_text(encoding="utf-8"))) for file in sorted(files)]
    return tuple(
        Module(str(file.relative_to(ROOT)), tree, dict(_constants(tree)), _calls(tree))
        for file, tree in trees
    )


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.AnnAssign | ast.Assign) and isinstance(node.value, ast.Constant):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if isinstance(target, ast.Name) and isinstance(node.value.value, str):
                yield target.id, node.value.value


class Reader:
    """Follows a kind back to its text: through constants, imports, choices and parameters."""

    def __init__(self) -> None:
        self.modules = product()
        self.by_name = {m.file.removesuffix(".py").replace("/", "."): m for m in self.modules}
        self.forwarders: dict[str, tuple[int | None, int]] = {}
        """Function to the place of its parameter `kind` (without self), and how many it must have.

        By the number the store's `raise_alarm(alarm)` is told from those that are given a kind.
        """
        self.unread: list[str] = []

    def sites(self) -> tuple[Site, ...]:
        """Read until no more functions are found that hand a kind on."""
        before = -1
        found: tuple[Site, ...] = ()
        while before != len(self.forwarders):
            before, self.unread = len(self.forwarders), []
            found = tuple(site for module in self.modules for site in self._module(module))
        return found

    def _module(self, module: Module) -> Iterator[Site]:
        for inside, call in module.calls:
            wanted = self._kind_of(call)
            if wanted is None:
                continue
            kinds = frozenset(self._texts(module, inside, wanted))
            severity = next(
                (ast.unparse(k.value) for k in call.keywords if k.arg == "severity"), ""
            )
            if kinds or severity:
                yield Site(module.file, call.lineno, kinds, severity)

    def _kind_of(self, call: ast.Call) -> ast.expr | None:
        name = (
            call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        )
        if name not in MAKERS and name not in self.forwarders:
            return None
        named = next((k.value for k in call.keywords if k.arg == "kind"), None)
        place, least = self.forwarders.get(name, (None, 0))
        if len(call.args) + len(call.keywords) < least:
            return None
        if named is None and place is not None and place < len(call.args):
            return call.args[place]
        return named

    def _texts(self, module: Module, inside: Function | None, node: ast.expr) -> Iterator[str]:
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.IfExp(body=body, orelse=other):
                yield from self._texts(module, inside, body)
                yield from self._texts(module, inside, other)
            case ast.Name(id=name):
                yield from self._named(module, inside, name)
            case ast.Attribute(attr="kind"):
                return  # of an alarm that was made elsewhere
            case _:
                self.unread.append(f"{module.file}:{node.lineno}: {ast.unparse(node)}")

    def _named(self, module: Module, inside: Function | None, name: str) -> Iterator[str]:
        if inside is not None:
            parameters = [one.arg for one in inside.args.args if one.arg != "self"]
            keywords = [one.arg for one in inside.args.kwonlyargs]
            if name in (*parameters, *keywords):
                place = parameters.index(name) if name in parameters else None
                least = len(parameters) - len(inside.args.defaults)
                self.forwarders[inside.name] = (place, least)
                return
            values = list(_values(inside, name))
            if values:
                for value in values:
                    if value is not None:
                        yield from self._texts(module, inside, value)
                return
        text = self._constant(module, name)
        if text is None:
            self.unread.append(f"{module.file}: {name}")
        else:
            yield text

    def _constant(self, module: Module, name: str) -> str | None:
        if name in module.constants:
            return module.constants[name]
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and name in [
                a.asname or a.name for a in node.names
            ]:
                other = self.by_name.get(node.module or "")
                return None if other is None else other.constants.get(name)
        return None


def _values(inside: Function, name: str) -> Iterator[ast.expr | None]:
    """Yield what a local name may hold; None: it came out of an alarm that was made elsewhere."""
    for node in ast.walk(inside):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                yield value
            case ast.comprehension(target=ast.Name(id=target), iter=ast.Tuple(elts=values)):
                if target == name:
                    yield from values
            case ast.MatchAs(name=target) if target == name:
                yield None


def _calls(tree: ast.Module) -> list[tuple[Function | None, ast.Call]]:
    """Return every call with the innermost function that it stands in."""
    found: list[tuple[Function | None, ast.Call]] = []
    open_nodes: list[tuple[Any, Function | None]] = [(tree, None)]
    while open_nodes:
        node, inside = open_nodes.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Call):
                found.append((inside, child))
            open_nodes.append((child, child if isinstance(child, Function) else inside))
    return found
