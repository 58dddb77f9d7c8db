"""What this installation is made of."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

from ostinato import kernels

PACKAGES = ("torch", "numpy", "pandas", "narwhals", "safetensors", "statsforecast")


def versions() -> dict[str, str]:
    """Versions of ostinato, Python and the packages that decide about numbers; those not installed are left out."""
    found = {"ostinato": metadata.version("ostinato"), "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def information() -> dict[str, Any]:
    """Versions, processor, and which operators the recurrent layers run on."""
    return {**versions(), "machine": f"{platform.system()} {platform.machine()}", **kernels.info()}
