"""The sizes that `python -m tests.figures` counts, and the lives of docs/architecture.md."""

from tests.figures import ROOT, count, lives


def test_every_file_that_a_life_crosses_is_there() -> None:
    assert set(lives()) == {"decision", "order", "handoff"}
    files = [file for life in lives().values() for file in life]
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_pure_are_files_that_import_neither_ray_nor_a_clock_nor_io() -> None:
    files = {
        "actors/a.py": "import msgspec\n\nX = 1\n",
        "actors/b.py": "def f():\n    import ray\n",
        "cluster/c.py": "from os import path\n",
        "cluster/d/e.py": "",
        "tests/f.py": "Y = 2\n",
    }
    found = count(files)
    assert (found.actor_lines, found.pure_actor_lines) == (5, 3)
    assert (found.product_lines, found.test_lines, found.cluster_root_files) == (6, 1, 1)
