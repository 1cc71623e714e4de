"""Where a measurement runs: Python environments with pinned peers, and the facts that a result carries."""
import json
import os
import platform
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TORCH = "torch==2.13.0"
PACKAGES = ["transformers==5.23.0", "datasets==5.2.0", "accelerate==1.15.0", "sentencepiece==0.2.3", "peft==0.21.2",
            "protobuf==7.36.2"]  # reads tokenizer.model for transformers
TRL = {"trl": "trl==1.16.0", "trl-ppo": "trl==1.12.0"}  # 1.12.0 is the last version that has PPO
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"     # smaller than PyPI's build, which brings CUDA
FACTS = """import json, platform, importlib.metadata as m
names = ("torch", "transformers", "trl", "datasets", "accelerate", "peft", "sentencepiece", "numpy")
print(json.dumps({"python": platform.python_version(), **{n: m.version(n) for n in names}}))"""
# The allocator keeps large blocks instead of mapping them anew each step, and products of old shapes are not kept; our
# tools set the same for themselves.
TUNED = {"MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "1073741824", "MALLOC_TOP_PAD_": "67108864",
         "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "32", "LRU_CACHE_CAPACITY": "32"}


def site_packages(python: Path) -> list[str]:
    code = "import sys; print('\\n'.join(p for p in sys.path if p.endswith('-packages')))"
    return subprocess.check_output([python, "-c", code], text=True).split()


def has_torch(python: str) -> bool:
    code = f"import importlib.metadata as m; assert m.version('torch').split('+')[0] == '{TORCH.split('==')[1]}'"
    return subprocess.run([python, "-c", code], stderr=subprocess.DEVNULL, check=False).returncode == 0


def make_venv(folder: Path, base: list[str], installs: list[list[str]]) -> Path:
    """A virtual environment that also sees the packages in the folders `base`."""
    python = folder / "bin" / "python"
    if (folder / "complete").exists():
        return python
    print(f"bench: making {folder.name}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    if base:
        Path(site_packages(python)[-1], "base.pth").write_text("\n".join(base) + "\n")
    for packages in installs:
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    (folder / "complete").touch()
    return python


def index_answers(url: str, seconds: float = 5) -> bool:
    """pip would try an index that cannot be reached for minutes, again for each package."""
    try:
        with urllib.request.urlopen(f"{url}/torch/", timeout=seconds):
            return True
    except OSError:
        return False


def torch_install() -> list[str]:
    if index_answers(CPU_WHEELS):
        return [TORCH, "--extra-index-url", CPU_WHEELS]
    print(f"bench: {CPU_WHEELS} does not answer; torch comes from pip's own index", flush=True)
    return [TORCH]


def make_venvs(work: Path, python: str) -> dict[str, Path]:
    """`python`: an interpreter of this version whose torch can be used, if it has the pinned one."""
    base = site_packages(Path(python)) if has_torch(python) else []
    complete = (work / "venv-trl" / "complete").exists()
    first = [] if base or complete else [torch_install()]
    trl = make_venv(work / "venv-trl", base, [*first, [TORCH, *PACKAGES, TRL["trl"]]])
    ppo = make_venv(work / "venv-trl-ppo", site_packages(trl), [["--no-deps", TRL["trl-ppo"]]])
    return {"trl": trl, "trl-ppo": ppo}


def versions(venvs: dict[str, Path]) -> dict:
    facts = json.loads(subprocess.check_output([venvs["trl"], "-c", FACTS], text=True))
    facts["trl (PPO)"] = json.loads(subprocess.check_output([venvs["trl-ppo"], "-c", FACTS], text=True))["trl"]
    return facts


def peer_environment(work: Path, threads: int, setting: str) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("MALLOC_", "OMP_", "MKL_", "KMP_", "ONEDNN_", "LRU_CACHE_", "ACCELERATE_",
                                           "PYTHONPATH"))}
    environment |= {"OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1", "HF_HOME": str(work / "hf"),
                    "TRL_EXPERIMENTAL_SILENCE": "1", "CUDA_VISIBLE_DEVICES": ""}
    return environment | (TUNED if setting != "default" else {})


def engine_environment(threads: int) -> dict[str, str]:
    """What our tools set for themselves before LibTorch loads (tools/start_engine.cpp); bench-generate does not."""
    return os.environ | TUNED | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads),
                                  "OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "2000", "KMP_BLOCKTIME": "0"}


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def host() -> dict:
    flags = Path("/proc/cpuinfo").read_text()
    known = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
    return {"cpu": cpu_model(), "instructions": [flag for flag in known if flag in flags],
            "cores": len(os.sched_getaffinity(0)), "system": f"{platform.system()} {platform.release()}",
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)}


def fast_dtype() -> str:
    """What `dtype: auto` is to our tools: bfloat16 where the processor multiplies it itself."""
    return "bfloat16" if any(flag.endswith("_bf16") for flag in host()["instructions"]) else "float32"


def torch_has_bfloat16_products() -> bool:
    """Whether torch's matrix library takes bfloat16: from AVX-512 on, at a fifth of float32's rate if the processor does
    not multiply it itself. Elsewhere a product is a plain loop, which would take hours."""
    return any(flag in ("avx512f", "amx_bf16") for flag in host()["instructions"])


def commit() -> str:
    def git(*arguments: str) -> str:
        command = ["git", "-C", ROOT, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    built = ("CMakeLists.txt", "cmake", "include", "src", "tools")
    changed = git("status", "--porcelain", "--untracked-files=no", "--", *built)
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (" with changes" if changed else "")


def build(folder: Path) -> None:
    """Builds the tools and bench-generate."""
    print(f"bench: building into {folder.name}", flush=True)
    subprocess.run([ROOT / "scripts" / "bootstrap.sh"], check=True)
    subprocess.run(["cmake", "--preset", "release", "-B", folder, "--log-level=WARNING", "-DRLHF_BUILD_BENCH=ON",
                    "-DRLHF_BUILD_TESTS=OFF", "-DRLHF_BUILD_EXAMPLES=OFF"], cwd=ROOT, check=True)
    subprocess.run(["cmake", "--build", folder, "--parallel", str(os.cpu_count())], cwd=ROOT, check=True)
