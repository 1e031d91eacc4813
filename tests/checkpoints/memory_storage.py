"""Storage in memory: a fake that tears, loses and alters files on demand."""

from collections.abc import Iterable

from checkpoints.errors import MissingFileError


class MemoryStorage:
    """Implements `checkpoints.storage.Storage`."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def write(self, name: str, data: bytes) -> None:
        self.files[name] = data

    def create(self, name: str, data: bytes) -> bool:
        if name in self.files:
            return False
        self.files[name] = data
        return True

    def read(self, name: str) -> bytes:
        try:
            return self.files[name]
        except KeyError:
            raise MissingFileError(f"{name} is not in the storage") from None

    def names(self, prefix: str) -> list[str]:
        return sorted(name for name in self.files if name.startswith(prefix))

    def folders(self, name: str) -> list[str]:
        inside = (file.removeprefix(f"{name}/") for file in self.names(f"{name}/"))
        return sorted({rest.partition("/")[0] for rest in inside if "/" in rest})

    def delete(self, name: str) -> None:
        self.files.pop(name, None)

    def delete_all(self, names: Iterable[str]) -> None:
        for name in names:
            self.delete(name)

    def folder_stamp(self, _name: str) -> int | None:
        return None

    def free_bytes(self) -> int:
        return 1 << 40

    def flip(self, name: str, bit: int) -> None:
        """Alter one bit of a file; negative counts from its end."""
        data = bytearray(self.files[name])
        data[(bit // 8) % len(data)] ^= 1 << (bit % 8)
        self.files[name] = bytes(data)

    def truncate(self, name: str, length: int) -> None:
        self.files[name] = self.files[name][:length]
