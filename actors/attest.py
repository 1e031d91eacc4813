"""Who runs in this process: the digest of the files that were really loaded."""

from pathlib import Path
from typing import Final

from actors.messages import MESSAGE_VERSION, Attestation
from actors.slot.state import STATE_VERSION
from checkpoints.archive import commit_of as recorded_commit
from checkpoints.archive import load_archive
from checkpoints.process_id import ProcessId
from checkpoints.release import attest, release_of
from checkpoints.storage import LocalStorage

ROOT: Final = Path(__file__).resolve().parent.parent
"""Where this process's code was loaded from."""
PROBLEMS_SHOWN: Final = 5


class AttestationError(Exception):
    """Loaded code is not one release; the operator must deploy again from a clean tree."""


def attest_process(storage_root: str, pid: int, node_id: str) -> Attestation:
    """Attest this process; raise `AttestationError` where its code is stale or mixed up."""
    attested = attest(ROOT, commit="")
    if attested.problems:
        shown = "; ".join(str(problem) for problem in attested.problems[:PROBLEMS_SHOWN])
        raise AttestationError(f"{len(attested.problems)} problems under {ROOT}: {shown}")
    manifest = attested.manifest
    return Attestation(
        release=manifest.release,
        commit=commit_of(storage_root, manifest.release),
        message_version=MESSAGE_VERSION,
        schema_version=STATE_VERSION,
        fingerprint=manifest.fingerprint,
        root=str(ROOT),
        pid=pid,
        process_start=ProcessId.of(pid).start,
        node_id=node_id,
    )


def release_running() -> str:
    """Return the release that this process runs, or ``unattested: ...`` where it is not one."""
    attested = attest(ROOT, commit="")
    if attested.problems:
        return f"unattested: {len(attested.problems)} problems, first {attested.problems[0]}"
    return attested.manifest.release


def release_loaded(storage_root: str) -> str:
    """Return the release that this process runs, from its folder or, verified, from its archive.

    Raises `CheckpointsError` where the archive is damaged.
    """
    if not ROOT.is_file():
        return release_running()
    return load_archive(LocalStorage(Path(storage_root)), ROOT.stem).manifest.release


def release_here() -> str:
    """Return the id of the release under this process's root, whatever is loaded."""
    return release_of(ROOT, commit="").release


def commit_of(storage_root: str, release: str) -> str:
    """Return the git commit that is recorded of a release.

    From what stands beside the archive: this process's own files were hashed already.
    """
    return recorded_commit(LocalStorage(Path(storage_root)), release)
