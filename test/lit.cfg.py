"""How lit runs the tests of this folder: shell commands, with the built tools and LLVM's on PATH."""
import os
import platform
import shutil
import subprocess
import sys

import lit.formats

config.name = "Weir"
config.test_format = lit.formats.ShTest(True)  # bash runs them, so exit statuses can be compared
config.suffixes = [".mlir", ".attn", ".test"]
config.excludes = ["Inputs", "CMakeLists.txt"]
config.test_source_root = os.path.dirname(os.path.abspath(__file__))
source = os.path.dirname(config.test_source_root)
build = os.path.abspath(os.environ.get("WEIR_BUILD_DIR") or os.path.join(source, "build"))
config.test_exec_root = os.path.join(build, "test")

llvm_tools = "/usr/lib/llvm-22/bin"
config.environment["PATH"] = os.pathsep.join([os.path.join(build, "bin"), llvm_tools, os.environ["PATH"]])
config.environment["FILECHECK_OPTS"] = "--enable-var-scope"
# Tests neither read nor fill the user's cache of compiled kernels.
config.environment["XDG_CACHE_HOME"] = os.path.join(build, "test", "cache")
for name in ("HOME", "OMP_NUM_THREADS", "ASAN_OPTIONS", "UBSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

# Python with NumPy: the project's own environment first.
venv = os.path.join(source, ".venv", "bin", "python3")
python = venv if os.path.exists(venv) else sys.executable
config.substitutions.append(("%python", python))
config.substitutions.append(("%source", source))
config.substitutions.append(("%build", build))


def succeeds(*command):
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


if succeeds(python, "-c", "import numpy"):
    config.available_features.add("python-numpy")
if succeeds(python, "-c", "import sympy, mpmath"):
    config.available_features.add("python-sympy")
for tool in ("weirc", "weir-random", "weir-ptx-run"):
    if os.path.exists(os.path.join(build, "bin", tool)):
        config.available_features.add(tool)
# NVIDIA's assembler, from a toolkit on PATH, in CUDA_HOME or at its usual place.
cuda = os.environ.get("CUDA_HOME") or "/usr/local/cuda"
ptxas = shutil.which("ptxas") or shutil.which("ptxas", path=os.path.join(cuda, "bin"))
if ptxas:
    config.available_features.add("ptxas")
    config.substitutions.append(("%ptxas", ptxas))
with open(os.path.join(build, "CMakeCache.txt")) as cache:
    if "WEIR_ASAN:BOOL=ON" in cache.read():  # then a program that was built without sanitizers cannot load what we built
        config.available_features.add("asan")
        # LLVM's own libraries are built without: they take what our copy of an LLVM allocator has poisoned, and keep what they allocate.
        config.environment.setdefault("ASAN_OPTIONS", "allow_user_poisoning=0:detect_leaks=0")
if shutil.which("gcc"):
    config.available_features.add("gcc")
if platform.machine() == "x86_64":
    config.available_features.add("x86_64")
    with open("/proc/cpuinfo") as cpuinfo:
        flags = next((line.split() for line in cpuinfo if line.startswith("flags")), [])
    if {"avx2", "fma", "f16c"} <= set(flags):
        config.available_features.add("avx2")
    if {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= set(flags):
        config.available_features.add("avx512")
    if {"amx_tile", "amx_bf16", "avx512_bf16"} <= set(flags):
        config.available_features.add("amx")
    if "avx512_bf16" in flags:
        config.available_features.add("avx512bf16")
