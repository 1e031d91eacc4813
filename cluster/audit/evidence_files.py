"""Write an evidence pack: one folder, Markdown for people, JSON for programs."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from cluster.audit.errors import AuditError
from cluster.audit.evidence import Case, Item
from cluster.audit.problem import Problem

PROBLEMS_SHOWN: Final = 50


class PackItem(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    state: str
    """``present`` or ``missing``."""
    text: str
    file: str | None = None
    sha256: str | None = None


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """What ``evidence.json`` holds."""

    release: str
    predecessor: str | None
    folder: str
    items: tuple[PackItem, ...]
    missing: tuple[str, ...]
    problems: tuple[Problem, ...]


def write_pack(case: Case, items: Sequence[Item], folder: Path) -> Pack:
    """Write into a new or empty folder; raise `AuditError` where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise AuditError(f"{folder} is not empty; name another folder with --out")
        for item in items:
            if item.file is not None:
                (folder / item.file).write_bytes(item.content)
        pack = _pack(case, items, folder)
        index = msgspec.json.format(msgspec.json.encode(pack), indent=2)
        (folder / "evidence.json").write_bytes(index + b"\n")
        (folder / "evidence.md").write_text(_page(pack), encoding="utf-8")
    except OSError as error:
        raise AuditError(f"{folder} cannot be written, name another with --out: {error}") from error
    return pack


def _pack(case: Case, items: Sequence[Item], folder: Path) -> Pack:
    return Pack(
        release=case.release,
        predecessor=case.predecessor,
        folder=str(folder),
        items=tuple(
            PackItem(
                name=item.name,
                state="missing" if item.missing else "present",
                text=item.text,
                file=item.file,
                sha256=None if item.missing else hashlib.sha256(item.content).hexdigest(),
            )
            for item in items
        ),
        missing=tuple(item.name for item in items if item.missing),
        problems=case.problems,
    )


def _page(pack: Pack) -> str:
    lines = [f"# Evidence for release {pack.release[:12]}", "", f"Digest: `{pack.release}`"]
    if pack.predecessor is not None:
        lines.append(f"Before it: `{pack.predecessor}`")
    lines += ["", "| evidence | what it shows | file |", "|---|---|---|"]
    for item in pack.items:
        file = f"[{item.file}]({item.file})" if item.file else "**missing**"
        lines.append(f"| {item.name} | {_cell(item.text)} | {file} |")
    lines += ["", "## Missing", ""]
    lines += [f"- **{item.name}**: {item.text}" for item in pack.items if item.file is None]
    if not pack.missing:
        lines.append("Nothing.")
    lines += ["", "## Damage in the record", ""]
    shown = pack.problems[:PROBLEMS_SHOWN]
    lines += [f"- {one.kind}: {one.subject}: {one.reason}" for one in shown]
    if len(pack.problems) > PROBLEMS_SHOWN:
        lines.append(f"- and {len(pack.problems) - PROBLEMS_SHOWN} more, in evidence.json")
    if not pack.problems:
        lines.append("None.")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
