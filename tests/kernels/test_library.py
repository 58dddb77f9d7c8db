"""Choosing and loading a library, from outside a process and from inside."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ostinato.errors import ConfigError
from ostinato.kernels import library

pytestmark = pytest.mark.skipif(not library.available(), reason="no kernels were built here")


def run_python(code, **environment):
    """Run code in a process of its own and return what it prints."""
    command = [sys.executable, "-W", "error", "-c", code]
    settings = {**os.environ, "OMP_NUM_THREADS": "2", **environment}
    done = subprocess.run(command, capture_output=True, text=True, env=settings)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_best_set_comes_first_and_the_baseline_is_always_there(monkeypatch):
    monkeypatch.delenv("OSTINATO_ISA", raising=False)
    found = library.available()
    assert list(found) == [isa for isa in library.INSTRUCTION_SETS if isa in found]
    assert found[-1] in ("baseline", "neon")
    assert library.load().isa == found[0]


def test_a_set_can_be_forced(isa):
    assert library.load().isa == isa
    assert library.load().handle.ostinato_abi() == library.ABI


def test_an_unknown_set_is_an_error_that_lists_the_known(monkeypatch):
    monkeypatch.setenv("OSTINATO_ISA", "mmx")
    with pytest.raises(ConfigError, match=r"OSTINATO_ISA is 'mmx'.*use one of .*torch"):
        library.load()


def test_torch_can_be_asked_for(monkeypatch):
    monkeypatch.setenv("OSTINATO_ISA", "torch")
    assert library.load() is None


@pytest.mark.parametrize("text", ["0", "two", "-1", "1.5"])
def test_a_bad_number_of_threads_is_an_error(monkeypatch, text):
    monkeypatch.setenv("OSTINATO_NUM_THREADS", text)
    with pytest.raises(ConfigError, match=r"OSTINATO_NUM_THREADS is .*; use a whole number of at least 1"):
        library.threads_wanted(4)


def test_the_number_of_threads_can_be_limited(monkeypatch):
    monkeypatch.setenv("OSTINATO_NUM_THREADS", "3")
    assert library.threads_wanted(16) == 3
    monkeypatch.delenv("OSTINATO_NUM_THREADS")
    assert library.threads_wanted(16) == 16
    assert library.processors() >= 1


def test_the_kernels_may_have_more_threads_than_torch(monkeypatch):
    monkeypatch.delenv("OSTINATO_NUM_THREADS", raising=False)
    library.set_num_threads(5)
    assert library.threads_wanted(1) == 5
    library.set_num_threads(None)
    assert library.threads_wanted(1) == 1
    with pytest.raises(ConfigError, match="count is 0; use at least 1 thread"):
        library.set_num_threads(0)


def test_without_built_libraries_there_is_nothing_to_load(tmp_path):
    code = "from ostinato.kernels import library; print(library.available(), library.load())"
    assert run_python(code, OSTINATO_LIBRARIES=str(tmp_path)) == "() None"


def test_a_layer_runs_without_built_libraries(tmp_path):
    code = (
        "import torch, ostinato; from ostinato import kernels\n"
        "outputs, _ = ostinato.nn.LSTM(2, 3)(torch.zeros(4, 1, 2))\n"
        "print(tuple(outputs.shape), kernels.info()['compiler'])"
    )
    printed = run_python(code, OSTINATO_LIBRARIES=str(tmp_path), OSTINATO_ISA="")
    assert printed.startswith("(4, 1, 3) no kernels were built at installation")


NUMPY_FIRST = """
import numpy as np, sys
from ostinato import kernels
weights = [np.ones((12, 2)), np.ones((12, 3)), np.ones(12), np.ones(12)]
outputs, _ = kernels.forward_numpy("lstm", np.ones((64, 70, 2)), weights)
assert "torch" not in sys.modules
"""
TORCH_FIRST = "import torch; torch.ones(300, 300) @ torch.ones(300, 300)\n"
BOTH = """
import torch, ostinato
layer = ostinato.nn.LSTM(2, 3, batch_first=True)
for weight in layer.parameters(): torch.nn.init.ones_(weight)
theirs = layer(torch.ones(64, 70, 2))[0]
theirs.sum().backward()
print(torch.allclose(theirs, torch.from_numpy(kernels.forward_numpy("lstm", np.ones((64, 70, 2)), weights)[0])))
maps = open("/proc/self/maps").read()
print(len({line.split()[-1] for line in maps.splitlines() if "gomp" in line or "iomp" in line}))
"""


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs the list of loaded libraries")
@pytest.mark.parametrize("first", [NUMPY_FIRST, TORCH_FIRST + NUMPY_FIRST.replace("assert", "#")])
def test_kernels_and_torch_load_in_either_order_with_one_openmp_runtime(first):
    same, runtimes = run_python(first + BOTH).split()
    assert same == "True"
    assert int(runtimes) <= 1


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs the list of threads")
def test_the_kernels_run_on_torchs_threads():
    code = """
import os, torch, ostinato
from ostinato.kernels import library
torch.set_num_threads(2)
torch.ones(1 << 20).sin()
before = len(os.listdir("/proc/self/task"))
layer = ostinato.nn.LSTM(8, 40, batch_first=True)
layer(torch.randn(64, 30, 8))[0].sum().backward()
print(library.share_threads(library.load()), len(os.listdir("/proc/self/task")) - before)
"""
    shared, more = run_python(code, OMP_NUM_THREADS="2").split()
    assert shared == "False" or more == "0"


def test_torch_without_an_openmp_runtime_has_no_threads_to_share(monkeypatch, tmp_path):
    monkeypatch.setattr("torch.__file__", str(tmp_path / "__init__.py"))
    assert not library.share_threads.__wrapped__(library.load())


def test_a_forked_child_has_threads_of_its_own():
    code = """
import os, torch, warnings
warnings.simplefilter("ignore")
import ostinato
layer, inputs = ostinato.nn.GRU(8, 40, batch_first=True), torch.randn(64, 30, 8)
with torch.no_grad():
    before = layer(inputs)[0]
    child = os.fork()
    if child == 0:
        os._exit(0 if (layer(inputs)[0].numpy() == before.numpy()).all() else 1)
    print(os.waitpid(child, 0)[1])
"""
    assert run_python(code) == "0"


def test_many_python_threads_may_call_at_once():
    code = """
import torch, ostinato
from concurrent.futures import ThreadPoolExecutor
layer, inputs = ostinato.nn.LSTM(8, 40, batch_first=True), torch.randn(64, 30, 8)
def run(_):
    layer_inputs = inputs.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(layer(layer_inputs)[0].sum(), layer_inputs)
    return gradient
expected = run(0)
with ThreadPoolExecutor(4) as pool:
    print(all(torch.equal(each, expected) for each in pool.map(run, range(24))))
"""
    assert run_python(code) == "True"
