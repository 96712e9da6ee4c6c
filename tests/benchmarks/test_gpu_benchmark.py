"""benchmarks/gpu.py: its table from known numbers, and rehearsals on the CPU."""

import copy
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import gpu
import pytest

FOLDER = Path(gpu.__file__).parent
PEER = os.environ.get("PEER_PYTHON", sys.executable)
needs_jax = pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="jax is not installed")

CASE = {
    "network": "bit_r50x1",
    "size": [480, 480],
    "batch": 10,
    "precision": "bfloat16",
    "task": "train",
    "rehearsal": False,
}
RECORD = {
    "case": CASE,
    "commit": "abc",
    "ours": {
        "device": "a GPU",
        "jax": "1.2.3",
        "flops": 40_000_000_000,
        "seconds": [0.1, 0.2, 0.08],
        "memory_bytes": 3_000_000_000,
        "peak": 1e12,
    },
    "peer": {
        "torch": "4.5.6",
        "seconds": [0.2, 0.1, 0.125],
        "memory_bytes": 4_000_000_000,
        "peak": 8e11,
    },
}


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess:
    """Run a script of benchmarks/ with this Python."""
    script, *others = map(str, arguments)
    return subprocess.run(
        [sys.executable, str(FOLDER / script), *others],
        capture_output=True,
        text=True,
        env=os.environ | environment | {"BENCHMARK_COMMIT": "abc"},
        check=False,
    )


def test_a_row_holds_medians_ratio_share_and_memory():
    assert gpu.row(RECORD) == {
        "network, size, precision, task": "bit_r50x1 480x480 bfloat16 train",
        "batch": "10",
        "images/s [min, max]": "100 [50, 125]",
        "torch.compile": "80 [50, 100]",
        "ratio": "1.25",
        "TFLOP/s": "0.4",
        "of peak": "40%",
        "peak GB, torch's": "3, 4",
    }


def test_the_share_is_of_the_faster_sides_product():
    record = copy.deepcopy(RECORD)
    record["peer"]["peak"] = 2e12
    assert gpu.row(record)["of peak"] == "20%"


def test_a_table_without_a_peer_says_not_measured():
    lines = gpu.table([RECORD | {"peer": None}]).splitlines()
    assert lines[:2] == ["a GPU, JAX 1.2.3", "commit abc"]
    assert "| 100 [50, 125] | not measured | not measured | 0.4 | 40% | 3 |" in lines[-1]
    assert "PyTorch 4.5.6" in gpu.table([RECORD]).splitlines()


def test_bit_is_measured_at_two_sizes_and_other_networks_at_their_own():
    cases = list(gpu.cases(["bit_r50x1", "squeezenet"], ["bfloat16"], False))
    assert [(c["network"], c["size"], c["batch"], c["task"]) for c in cases] == [
        *(("bit_r50x1", [s, s], 64, t) for s in (480, 224) for t in ("inference", "train")),
        *(("squeezenet", [255, 335], 32, t) for t in ("inference", "train")),
    ]


def test_a_rehearsal_is_small_enough_for_a_cpu():
    names = ["bit_r50x1", "inception_v3", "xception"]
    for case in gpu.cases(names, ["float32"], True):
        assert case["batch"] == 2 and max(case["size"]) <= 85 and case["rehearsal"]


@needs_jax
def test_without_a_gpu_it_is_one_line(tmp_path):
    out = tmp_path / "out.json"
    result = run("gpu.py", "--out", out, "--networks", "squeezenet", JAX_PLATFORMS="cpu")
    assert result.returncode == 1 and not out.exists()
    assert result.stderr == "no NVIDIA GPU found, JAX runs on cpu; --rehearse runs on a CPU\n"


@pytest.mark.slow
@needs_jax
def test_one_task_is_rehearsed():
    case = next(gpu.cases(["squeezenet"], ["bfloat16"], True))
    measured = gpu.ask("ours", sys.executable, case)
    assert measured["device"] == "cpu" and len(measured["seconds"]) == 1
    assert measured["flops"] > 1e7 and measured["peak"] > 0


@needs_jax
@pytest.mark.slow
def test_the_command_is_rehearsed_and_goes_on_where_it_stopped(tmp_path):
    out = tmp_path / "out.json"
    options = ["--rehearse", "--networks", "squeezenet", "--precisions", "float32", "--out", out]
    first = run("gpu.py", *options)
    assert first.returncode == 0, first.stderr
    records = json.loads(out.read_text())
    assert [record["case"]["task"] for record in records] == ["inference", "train"]
    assert gpu.REHEARSAL in first.stdout.splitlines()
    has_torch = not gpu.missing_packages(PEER)
    assert ("only our side is measured" in first.stdout) != has_torch
    assert all(bool(record["peer"]) == has_torch for record in records)
    again = run("gpu.py", *options)
    assert again.stdout.count(f": already in {out}") == 2
    assert json.loads(out.read_text()) == records
    stopped = run("gpu.py", "--rehearse", "--minutes", "0", "--out", tmp_path / "none.json")
    assert stopped.stdout.endswith("0 minutes are over; repeat the command for the rest\n")


@needs_jax
@pytest.mark.slow
def test_three_ways_to_train_folds_are_rehearsed():
    quick = {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_backend_optimization_level=0"}
    quick |= {"KERAS_BACKEND": "jax"}
    options = ["--networks", "squeezenet", "--folds", "2", "--rehearse"]
    result = run("gpu_folds.py", *options, **quick)
    assert result.returncode == 0, result.stderr
    title, *lines = result.stdout.splitlines()
    assert title == gpu.REHEARSAL
    ways = [line.split(": ")[0] for line in lines]
    assert ways == [f"squeezenet, {way}" for way in ("one by one", "in turn", "batched")]
    refused = run("gpu_folds.py", **quick)
    assert refused.returncode == 1 and refused.stderr.endswith("try --rehearse\n")
