"""Writing files so that a reader sees the old one or the new one, never half of one."""

import os
import secrets
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under a temporary name beside it, then rename it into place.

    Args:
        path: The file, replaced if it is there; its folder must be.
        content: All of it.

    Raises:
        OSError: If it cannot be written; then what was there is untouched.
    """
    temporary = temporary_sibling(path)
    try:
        write_durably(temporary, content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_durably(path: Path, content: bytes) -> None:
    """Write a file and wait until it is on the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def temporary_sibling(path: Path) -> Path:
    """Return a name beside `path` that nothing has yet."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
