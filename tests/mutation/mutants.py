"""Small faults of a source file, one at a time: a comparison, a sign, a number, a condition."""

import ast
from collections.abc import Iterator
from typing import Final, NamedTuple

SWAPPED: Final[dict[type[ast.AST], type[ast.AST]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
NAMES: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}


class Mutant(NamedTuple):
    line: int
    before: str
    after: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of a file, by line."""
    lines = source.splitlines(keepends=True)
    found = sorted(_places(ast.parse(source)), key=lambda place: (place[0].lineno, place[1]))
    for node, after in found:
        before = ast.get_source_segment(source, node)
        if before is not None and after != ast.unparse(node):
            yield Mutant(node.lineno, before, after, _replaced(lines, node, after))


def _replaced(lines: list[str], node: ast.expr, after: str) -> str:
    """Put the text in the expression's place; lines behind it keep their numbers."""
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    first, last = lines[node.lineno - 1].encode(), lines[node.end_lineno - 1].encode()
    head, tail = first[: node.col_offset].decode(), last[node.end_col_offset :].decode()
    between = "\n" * (node.end_lineno - node.lineno)
    text = f"{head}({after}{between}){tail}"
    return "".join([*lines[: node.lineno - 1], text, *lines[node.end_lineno :]])


def _places(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    skipped = {id(part) for node in ast.walk(tree) for part in _not_run(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and id(node) not in skipped:
            yield from ((node, text) for text in _changes(node))
        if isinstance(node, ast.If | ast.While | ast.IfExp) and id(node.test) not in skipped:
            yield node.test, f"not ({ast.unparse(node.test)})"


def _not_run(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is an annotation, an assertion or a text for people: no test is owed to these."""
    roots: list[ast.AST | None] = []
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            roots += [node.returns, *node.decorator_list]
        case ast.arg() | ast.AnnAssign():
            roots.append(node.annotation)
        case ast.Assert() | ast.JoinedStr() | ast.Raise():
            roots.append(node)
        case ast.ClassDef():
            roots += node.keywords
    for root in roots:
        if root is not None:
            yield from ast.walk(root)


def _changes(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=value) if isinstance(value, int | float):
            yield _other_number(value)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield ast.unparse(operand)
        case ast.Call(func=ast.Name(id=name)) if name in NAMES:
            yield ast.unparse(ast.Call(ast.Name(NAMES[name]), node.args, node.keywords))
        case ast.IfExp(body=body, orelse=other):
            yield from (ast.unparse(body), ast.unparse(other))
        case _:
            yield from _swapped(node)


def _other_number(value: float) -> str:
    if isinstance(value, bool):
        return str(not value)
    return str(value + 1) if isinstance(value, int) else repr(value * 1.5 + 0.1)


def _swapped(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in SWAPPED:
            yield ast.unparse(ast.Compare(left, [SWAPPED[type(op)]()], [right]))  # type: ignore[list-item]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in SWAPPED:
            yield ast.unparse(ast.BinOp(left, SWAPPED[type(op)](), right))  # type: ignore[arg-type]
        case ast.BoolOp(op=op, values=values):
            yield ast.unparse(ast.BoolOp(SWAPPED[type(op)](), values))  # type: ignore[arg-type]
        case _:
            return
