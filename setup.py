"""Builds the fused kernels: one shared library per instruction set, loaded by ctypes, without torch.

Without a working C++ compiler the package installs all the same, and runs on torch's operators.
"""

import os
import platform
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, ExecError, PlatformError

FLAGS = [
    "-std=c++17",
    "-O3",
    "-ffp-contract=off",
    "-fvisibility=hidden",
    "-pthread",
    "-Wno-uninitialized",
    "-Wno-psabi",
    "-g0",
]
# OSTINATO_SANITIZE=address (or undefined, or thread) builds kernels that watch their own memory.
SANITIZE = os.environ.get("OSTINATO_SANITIZE", "")
WATCH = [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer", "-g1"] if SANITIZE else []
AVX2 = ["-mavx2", "-mfma"]
AVX512 = [*AVX2, "-mavx512f", "-mavx512vl", "-mavx512dq", "-mavx512bw"]
SETS = {
    "x86_64": {"avx512": AVX512, "avx2": AVX2, "baseline": []},
    "aarch64": {"neon": []},
}
NAMES = {"AMD64": "x86_64", "arm64": "aarch64"}


def libraries() -> list[Extension]:
    """The libraries for this machine's family of processors: the probe, and one per instruction set."""
    machine = platform.machine()
    sets = SETS.get(NAMES.get(machine, machine), {"baseline": []})
    depends = [str(path) for path in Path("csrc").iterdir() if path.suffix in (".h", ".inl")]
    found = [Extension("ostinato.lib.probe", ["csrc/probe.cpp"], language="c++")]
    for name, flags in sets.items():
        sources = [f"csrc/isa_{name}.cpp", "csrc/threads.cpp"]
        found.append(
            Extension(
                f"ostinato.lib.{name}", sources, depends=depends, extra_compile_args=flags, language="c++"
            )
        )
    for extension in found:
        extension.optional = True
    return found


class BuildKernels(build_ext):
    """Compiles the libraries side by side, each source file with its own flags."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def copy_extensions_to_source(self) -> None:
        (Path("src") / "ostinato" / "lib").mkdir(exist_ok=True)
        super().copy_extensions_to_source()

    def get_ext_filename(self, fullname: str) -> str:
        return str(Path(*fullname.split("."))) + ".so"

    def build_extension(self, ext: Extension) -> None:
        try:
            self._compile_and_link(ext)
        except (CCompilerError, ExecError, PlatformError) as error:
            self.warn(f"{ext.name} was not built, so torch's operators may run in its place: {error}")

    def _compile_and_link(self, ext: Extension) -> None:
        objects = []
        for source in ext.sources:
            # The threads are shared by all sets and must run on every processor.
            own = ext.extra_compile_args if Path(source).name.startswith("isa_") else []
            objects += self.compiler.compile(
                [source],
                output_dir=str(Path(self.build_temp) / ext.name),
                extra_postargs=[*FLAGS, *own, *WATCH],
                depends=ext.depends,
            )
        target = self.get_ext_fullpath(ext.name)
        self.compiler.link_shared_object(
            objects, target, extra_postargs=["-pthread", *WATCH], target_lang="c++"
        )


setup(ext_modules=libraries(), cmdclass={"build_ext": BuildKernels})
