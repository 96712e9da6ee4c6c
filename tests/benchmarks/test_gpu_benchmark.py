"""benchmarks/gpu.py: its arithmetic on known numbers, its file, and a rehearsal on the CPU."""

import copy
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from covid_keras.utils.errors import InputError

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import gpu_hlo
import gpu_records
import gpu_table

BENCHMARKS = Path(gpu_table.__file__).parent
needs_jax = pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="jax is not installed")

RUN = {
    "device": {"name": "a GPU"},
    "versions": {"jax": "1.2.3", "driver": None},
    "date": "2026-01-02",
    "commit": "abc",
    "command": "gpu.py",
    "seed": 0,
    "ceilings": {
        "jax": {"bfloat16": 1e12, "float32": 4e11, "copy": 1e11},
        "torch": {"bfloat16": 8e11, "float32": 5e11, "copy": 2e11},
    },
}
RECORD = {
    "run": "one",
    "rehearsal": False,
    "network": "bit_r50x1",
    "height": 480,
    "width": 480,
    "batch": 10,
    "precision": "bfloat16",
    "task": "train",
    "flops": 4_000_000_000,
    "ours": {
        "seconds": [0.1, 0.2, 0.08],
        "compile_seconds": 7.0,
        "peak_bytes": 3_000_000_000,
        "loss": 1.0,
        "program": {
            "kernel_bytes": 10_000_000_000,
            "xla_bytes": 9_000_000_000,
            "xla_flops": None,
            "memory_bytes": 2_000_000_000,
        },
    },
    "peer": {
        "seconds": [0.2, 0.1, 0.12],
        "compile_seconds": 9.0,
        "peak_bytes": 4_000_000_000,
        "loss": 1.0,
    },
}
PROGRAM = """HloModule jit_f, is_scheduled=true, entry_computation_layout={(f32[4])->f32[4]}

%fused (p: f32[4,8]) -> f32[4,8] {
  %p = f32[4,8]{1,0} parameter(0)
  ROOT %n = f32[4,8]{1,0} negate(%p)
}

%buffer (q: f32[4,8]) -> f32[4,8] {
  %q = f32[4,8]{1,0} parameter(0)
  ROOT %inner = f32[4,8]{1,0:S(1)} fusion(%q), kind=kLoop, calls=%fused
}

%body (s: (s32[], f32[4,8])) -> (s32[], f32[4,8]) {
  %s = (s32[], f32[4,8]{1,0}) parameter(0)
  %x = f32[4,8]{1,0} get-tuple-element(%s), index=1
  %i = s32[] get-tuple-element(%s), index=0
  %y = f32[4,8]{1,0} add(%x, %x)
  ROOT %t = (s32[], /*index=1*/f32[4,8]{1,0}) tuple(%i, %y)
}

ENTRY %main (a: f32[4,8], b: bf16[8,2]) -> f32[4,8] {
  %a = f32[4,8]{1,0} parameter(0), metadata={op_name="a"}
  %b = bf16[8,2]{1,0} parameter(1)
  %called = f32[4,8]{1,0} call(%a), to_apply=%buffer
  %conv = (f32[4,2]{1,0}, u8[1000]{0}) custom-call(%a, %b), custom_call_target="__cudnn"
  %out = f32[4,2]{1,0} get-tuple-element(%conv), index=0
  %init = (s32[], f32[4,8]{1,0}) tuple(%zero, %called)
  %loop = (s32[], f32[4,8]{1,0}) while(%init), condition=%c, body=%body, \
backend_config={"known_trip_count":{"n":"5"}}
  ROOT %r = f32[4,8]{1,0} get-tuple-element(%loop), index=1
}
"""


def results(*changes: dict) -> dict:
    """Results of one run, with a record for each of the changes to `RECORD`."""
    records = [copy.deepcopy(RECORD) | change for change in changes]
    return {"runs": {"one": copy.deepcopy(RUN)}, "records": records}


def row(report: str, task: str) -> list[str]:
    """The cells of the first row of that task."""
    lines = (line for line in report.splitlines() if f"| {task} |" in line)
    return [cell.strip() for cell in next(lines).strip("|").split("|")]


def test_a_ratio_is_that_of_one_round():
    assert gpu_table.ratios([0.1, 0.2, 0.08], [0.2, 0.1, 0.12]) == pytest.approx([2, 0.5, 1.5])
    with pytest.raises(ValueError):
        gpu_table.ratios([0.1], [0.1, 0.2])


def test_share_is_of_the_faster_frameworks_peak_in_the_records_precision():
    assert gpu_table.rate(RECORD) == pytest.approx(4e11)
    assert gpu_table.share(RECORD, RUN) == pytest.approx(0.4)
    assert gpu_table.share(RECORD | {"precision": "float32"}, RUN) == pytest.approx(0.8)


def test_roofline_names_the_larger_time():
    roof = gpu_table.roofline(flops=2e12, moved=1e11, peak=1e12, bandwidth=1e11)
    assert (roof.arithmetic, roof.traffic, roof.bound, roof.bound_by) == (2, 1, 2, "arithmetic")
    roof = gpu_table.roofline(flops=2e12, moved=4e11, peak=1e12, bandwidth=1e11)
    assert (roof.bound, roof.bound_by) == (4, "bytes")
    found = gpu_table.bound_of(RECORD, RUN)
    assert (found.arithmetic, found.traffic) == pytest.approx((0.04, 0.05))


def test_the_tables_cells():
    speed = row(gpu_table.report(results({})), "train")
    assert speed[:5] == ["bit_r50x1", "480x480", "10", "bfloat16", "train"]
    assert speed[5:8] == ["100.0 [50.0, 125.0]", "83.3 [50.0, 100.0]", "1.50 [0.50, 2.00]"]
    assert speed[8:] == ["0.4", "40%", "3, 4", "7, 9"]
    bounds = gpu_table.bounds_row(RECORD, RUN)
    assert bounds[4:] == ["100.00", "40.00", "50.00", "bytes", "2.00", "10, 9", "0.04, n/a", "2"]


def test_without_a_peer_the_table_says_so():
    speed = row(gpu_table.report(results({"peer": None})), "train")
    assert speed[6:8] == ["not measured", "not measured"]
    assert speed[10:] == ["3, n/a", "7, n/a"]


@pytest.mark.parametrize(("peer", "state"), [(0.1, "1.00: met"), (0.099, "0.99: MISSED")])
def test_the_goal_of_training_is_judged_by_the_figures(peer, state):
    seconds = {"ours": {**RECORD["ours"], "seconds": [0.1]}}
    seconds["peer"] = {**RECORD["peer"], "seconds": [peer]}
    report = gpu_table.report(results(seconds))
    assert f"bit_r50x1 480x480 bfloat16 train: goal 1.0x torch.compile, measured {state}" in report


@pytest.mark.parametrize(("flops", "state"), [(4.0e9, "40.0%: met"), (3.9e9, "39.0%: MISSED")])
def test_the_goal_of_inference_is_judged_by_the_figures(flops, state):
    report = gpu_table.report(results({"task": "inference", "flops": flops}))
    assert f"inference: goal 40% of the bfloat16 peak, measured {state}" in report


def test_a_loss_that_is_no_number_is_told():
    broken = {"peer": {**RECORD["peer"], "loss": float("nan")}}
    assert "train: the loss of torch's is not finite (nan)" in gpu_table.report(results(broken))
    assert "finite" not in gpu_table.report(results({}))


def test_two_gpus_have_tables_of_their_own():
    both = results({}, {"run": "two"})
    both["runs"]["two"] = copy.deepcopy(RUN) | {"device": {"name": "another GPU"}}
    report = gpu_table.report(both)
    assert report.count("| network | size | batch |") == 2
    assert "\na GPU, jax 1.2.3, 2026-01-02, commit abc, seed 0, gpu.py" in f"\n{report}"


def test_parts_add_up_and_the_newest_replaces(tmp_path):
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    gpu_records.save(first, results({}, {"task": "inference"}))
    newer = results({"flops": 7}, {"height": 224})
    newer = json.loads(json.dumps(newer).replace('"one"', '"two"'))
    gpu_records.save(second, newer)
    found = gpu_records.merged(gpu_records.load(path) for path in (first, second))
    names = [(r["task"], r["height"], r["flops"], r["run"]) for r in found["records"]]
    assert names == [
        ("inference", 480, RECORD["flops"], "one"),
        ("train", 480, 7, "two"),
        ("train", 224, RECORD["flops"], "two"),
    ]
    assert set(found["runs"]) == {"one", "two"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.json", "second.json"]


def test_rehearsals_are_refused_beside_measurements():
    with pytest.raises(InputError, match="cannot be mixed"):
        gpu_records.merged([results({}), results({"rehearsal": True, "task": "inference"})])
    with pytest.raises(InputError, match="cannot be mixed"):
        gpu_table.report(results({}, {"rehearsal": True}))
    assert gpu_table.report(results({"rehearsal": True})).startswith(gpu_table.REHEARSAL)


@pytest.mark.parametrize("text", ["", "[]", '{"runs": {}}', '{"runs": {}, "records": [{}]}'])
def test_a_file_of_something_else_is_one_line(tmp_path, text):
    path = tmp_path / "file.json"
    path.write_text(text)
    with pytest.raises(InputError, match="not a file of results"):
        gpu_records.load(path)


def test_bytes_of_kernels():
    called = 2 * 128
    library_call = 128 + 32 + 32  # without the 1000 bytes of scratch
    loop = 5 * 2 * 128  # reads x once for both operands
    assert gpu_hlo.kernel_bytes(PROGRAM) == called + library_call + loop


@needs_jax
def test_bytes_of_kernels_are_xlas_own_where_it_knows_them():
    program = """
import jax, jax.numpy as jnp, gpu_hlo
f = jax.jit(lambda x, k: jnp.tanh(x @ k) + 1)
compiled = f.lower(jnp.ones((64, 32)), jnp.ones((32, 16))).compile()
print(gpu_hlo.kernel_bytes(compiled.as_text()), compiled.cost_analysis()["bytes accessed"])
"""
    said = python("-c", program, PYTHONPATH=str(BENCHMARKS), JAX_PLATFORMS="cpu").stdout
    ours, xla = map(float, said.split())
    assert ours == pytest.approx(xla, rel=0.01) and ours >= 4 * (64 * 32 + 32 * 16 + 64 * 16)


@needs_jax
@pytest.mark.parametrize(
    ("kernel", "kind"),
    [
        ("sm90_xmma_fprop_implicit_gemm_bf16bf16_nhwckrsc_nhwc_tilesize128", "convolutions"),
        ("void cudnn::engines_precompiled::nchwToNhwcKernel<...>", "changes of layout"),
        ("nvjet_hsh_128x256_64x4_2x1_v_bz_TNT", "convolutions"),
        ("gemm_fusion_dot_12", "convolutions"),
        ("loop_convert_fusion_3", "other fusions"),
        ("input_reduce_fusion", "reductions"),
        ("input_transpose_fusion", "changes of layout"),
        ("MemcpyD2D", "copies"),
        ("something", "other"),
    ],
)
def test_kernels_are_sorted_by_name(kernel, kind):
    import gpu_profile

    assert gpu_profile.kind(kernel).startswith(kind)


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Runs this Python; the backend is the benchmark's own choice."""
    variables = {k: v for k, v in os.environ.items() if k not in ("KERAS_BACKEND", "PEER_PYTHON")}
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env=variables | environment,
        check=False,
    )


def gpu(*arguments: str | Path) -> subprocess.CompletedProcess:
    return python(str(BENCHMARKS / "gpu.py"), *map(str, arguments), BENCHMARK_COMMIT="a-commit")


@needs_jax
def test_without_a_gpu_it_is_one_line(tmp_path):
    out = tmp_path / "out.json"
    said = python(str(BENCHMARKS / "gpu.py"), "--out", str(out), JAX_PLATFORMS="cpu")
    assert said.returncode == 1 and not out.exists()
    (line,) = said.stderr.splitlines()
    assert line.startswith("no NVIDIA GPU found, JAX runs on cpu; --rehearse runs every line")


def test_a_table_of_a_missing_file_is_one_line(tmp_path):
    said = gpu("--table", tmp_path / "none.json")
    assert (said.returncode, said.stderr.count("\n")) == (1, 1)
    assert said.stderr.endswith("none.json: file not found\n")


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory) -> tuple[Path, list[subprocess.CompletedProcess]]:
    """The file that two parts wrote, and what they said."""
    folder = tmp_path_factory.mktemp("gpu")
    out, peer = folder / "out.json", os.environ.get("PEER_PYTHON")
    common = ["--rehearse", "--out", out, *(["--peer-python", peer] if peer else [])]
    parts = (
        ["--networks", "squeezenet", "--precisions", "float32", "--profile", folder / "traces"],
        ["--networks", "squeezenet", "--precisions", "bfloat16", "--tasks", "inference"],
    )
    return out, [gpu(*common, *part) for part in parts]


@needs_jax
@pytest.mark.slow
def test_the_rehearsal_measures_nothing_and_says_so(rehearsal):
    out, parts = rehearsal
    for part in parts:
        assert part.returncode == 0, part.stdout + part.stderr
        assert part.stdout.splitlines()[0] == gpu_table.REHEARSAL
        assert part.stdout.splitlines()[-1] == gpu_table.REHEARSAL
    found = gpu_records.load(out)
    names = [(r["network"], r["height"], r["precision"], r["task"]) for r in found["records"]]
    assert names == [
        *(("squeezenet", 42, "float32", task) for task in ("inference", "train", "recipe")),
        ("squeezenet", 42, "bfloat16", "inference"),
    ]
    assert all(record["rehearsal"] is True for record in found["records"])
    for record in found["records"]:
        program = record["ours"]["program"]
        assert program["kernel_bytes"] > record["ours"]["program"]["memory_bytes"] / 2
        assert program["xla_flops"] == pytest.approx(record["flops"] * record["batch"], rel=0.3)
        assert record["ours"]["seconds"][0] > 0
    assert [run["commit"] for run in found["runs"].values()] == ["a-commit"] * 2


@needs_jax
@pytest.mark.slow
def test_the_rehearsals_table_can_be_printed_again(rehearsal):
    out, parts = rehearsal
    said = gpu("--table", out)
    assert said.returncode == 0
    assert said.stdout.strip() in parts[-1].stdout
    assert "squeezenet 42x55 float32 train: kernels take" in said.stdout
    assert "| squeezenet | 42x55 | 2 | bfloat16 | inference |" in said.stdout


@needs_jax
@pytest.mark.slow
def test_what_is_there_is_not_measured_again(rehearsal):
    out, _ = rehearsal
    before = out.read_text()
    said = gpu("--rehearse", "--out", out, "--networks", "squeezenet", "--precisions", "float32")
    assert said.returncode == 0 and out.read_text() == before
    assert "already: squeezenet 42x55 float32 inference, train, recipe" in said.stdout


@needs_jax
@pytest.mark.slow
def test_the_peer_takes_part_in_the_rehearsal(rehearsal):
    if not os.environ.get("PEER_PYTHON"):
        pytest.skip("PEER_PYTHON names no Python with torch, torchvision and timm")
    found = peers(rehearsal[0])
    assert [record["task"] for record in found] == ["inference", "train", "inference"]
    assert all(len(record["peer"]["seconds"]) == 1 for record in found)
    assert [record["peer"]["loss"] is None for record in found] == [True, False, True]


def peers(path: Path) -> list[dict]:
    """Records that have a peer."""
    return [record for record in gpu_records.load(path)["records"] if record["peer"]]


@needs_jax
@pytest.mark.slow
def test_folds_in_turn_and_batched_are_rehearsed(tmp_path):
    out = tmp_path / "together.json"
    options = ["--out", out, "--networks", "squeezenet", "--models", 2, "--rehearse"]
    quick = {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_backend_optimization_level=0"}
    said = python(str(BENCHMARKS / "gpu_together.py"), *map(str, options), **quick)
    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines()[0] == gpu_table.REHEARSAL
    found = json.loads(out.read_text())
    assert found["rehearsal"] and found["models"] == 2
    assert [len(rates) for rates in found["images_per_second"]["squeezenet"].values()] == [1] * 3
    said = python(str(BENCHMARKS / "gpu_together.py"), "--out", str(out), JAX_PLATFORMS="cpu")
    assert said.returncode == 1 and said.stderr.count("\n") == 1
