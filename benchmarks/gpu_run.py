"""One run of gpu.py: the two processes, whose turn it is, and what goes into the file."""

import argparse
import contextlib
import math
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import gpu_records
import gpu_table
from gpu_worker import Worker, WorkerError

from covid_keras.utils.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
SEED = 0
ROUNDS = 5
SECONDS = 1.0
"""That one block of steps fills."""
MATRIX_SIDE, COPIED = 8192, 2**31
"""Of the ceilings: the side of square matrices, and bytes."""
PEER_NEEDS = ("torch", "torchvision", "timm")


class Benchmark:
    """One run: the two sides' Pythons, what they run on, and the file of results."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.out: Path = arguments.out
        self.profile: Path | None = arguments.profile
        self.rehearsal: bool = arguments.rehearse
        self.rounds = 1 if self.rehearsal else ROUNDS
        self.peer_python = arguments.peer_python
        self.limit = time.monotonic() + 60 * arguments.minutes
        self.results = gpu_records.load(self.out) if self.out.exists() else gpu_records.empty()
        gpu_records.refuse_mixture(self.results, self.rehearsal)
        if reason := self.unfit():
            print(f"{self.peer_python} {reason}: the peer's figures are left out")
            self.peer_python = None

    def unfit(self) -> str:
        """Why the peer's Python cannot run the peer; empty where it looks as if it could."""
        find = "from importlib.util import find_spec as has"
        look = f"{find}; print(*(name for name in {PEER_NEEDS} if not has(name)))"
        try:
            said = subprocess.check_output([self.peer_python, "-c", look], text=True)
        except (OSError, subprocess.CalledProcessError):
            return "is no Python that runs"
        return f"has no {', '.join(said.split())}" if said.split() else ""

    def environment(self) -> dict[str, str]:
        """Of both sides: each takes the memory that it needs, and no more."""
        paths = [str(ROOT), str(ROOT / "tests" / "oracles"), os.environ.get("PYTHONPATH", "")]
        hidden = {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "", "OMP_WAIT_POLICY": "PASSIVE"}
        return (hidden if self.rehearsal else {}) | {
            "KERAS_BACKEND": "jax",
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
            "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
            "XLA_CLIENT_MEM_FRACTION": "0.95",
        }

    @contextlib.contextmanager
    def sides(self) -> Iterator[dict[str, Worker]]:
        """Our process, and the peer's where there is one."""
        pythons = {"ours": sys.executable, "peer": self.peer_python}
        with contextlib.ExitStack() as stack:
            workers = {}
            for side, python in pythons.items():
                if python:
                    workers[side] = Worker(f"gpu_{side}.py", python, self.environment())
                    stack.callback(workers[side].close)
            yield workers

    def begin(self) -> None:
        """Look what there is to run on, and measure its ceilings."""
        with self.sides() as workers:
            ours = workers["ours"].ask("device")
            if ours["platform"] != "gpu" and not self.rehearsal:
                raise InputError(
                    f"no NVIDIA GPU found, JAX runs on {ours['platform']}; --rehearse runs every "
                    "line of this benchmark on a CPU"
                )
            peer = self.look_at_peer(workers)
            self.run = datetime.now(UTC).isoformat(timespec="seconds")
            self.about = {
                "device": {"name": ours["name"]},
                "versions": versions(ours, peer),
                "date": self.run,
                "commit": commit(),
                "command": shlex.join(sys.argv),
                "seed": SEED,
                "ceilings": self.ceilings(workers),
            }
        self.results["runs"][self.run] = self.about
        print(gpu_table.about(self.about))
        print(gpu_table.ceilings_line(self.about["ceilings"]), flush=True)

    def look_at_peer(self, workers: dict[str, Worker]) -> dict | None:
        """What PyTorch runs on; the peer is taken out of `workers` where it cannot be compared."""
        if "peer" not in workers:
            return None
        try:
            found = workers["peer"].ask("device")
            if found["name"] != "cpu" or self.rehearsal:
                return found
            reason = "PyTorch finds no GPU"
        except WorkerError as error:
            reason = str(error)
        print(f"{reason}: the peer's figures are left out")
        self.peer_python = None
        del workers["peer"]
        return None

    def ceilings(self, workers: dict[str, Worker]) -> dict[str, dict[str, float]]:
        """By framework: FLOP/s of matrix products by precision, bytes/s of a copy; the fastest."""
        side, copied = (128, 2**20) if self.rehearsal else (MATRIX_SIDE, COPIED)
        for worker in workers.values():
            worker.ask("ceilings", side=side, copied=copied)
        amounts = {"bfloat16": 2 * side**3, "float32": 2 * side**3, "copy": 2 * copied}
        found: dict[str, dict[str, float]] = {"jax": {}, "torch": {}}
        for task, amount in amounts.items():
            seconds = self.take_turns(workers, task)
            for framework, name in (("jax", "ours"), ("torch", "peer")):
                if name in seconds:
                    found[framework][task] = amount / min(seconds[name])
        return {framework: rates for framework, rates in found.items() if rates}

    def take_turns(self, workers: dict[str, Worker], task: str) -> dict[str, list[float]]:
        """Seconds a step by side, one number a round; who is first changes every round."""
        steps = dict.fromkeys(workers, 1)
        if not self.rehearsal:
            for side, worker in workers.items():
                steps[side] = math.ceil(SECONDS / worker.ask("time", task=task, steps=3)["seconds"])
        seconds: dict[str, list[float]] = {side: [] for side in workers}
        for number in range(self.rounds):
            for side in list(workers)[:: -1 if number % 2 else 1]:
                answer = workers[side].ask("time", task=task, steps=steps[side])
                seconds[side].append(answer["seconds"])
        return seconds

    def measure(self, case: dict, tasks: list[str]) -> list[str]:
        """Measure and save the case's tasks, one record each; returns what failed."""
        failed = []
        with self.sides() as workers:
            for task in tasks:
                if self.over():
                    break
                name = gpu_table.label({**case, "task": task})
                try:
                    record = self.record(workers, case, task)
                except WorkerError as error:
                    print(f"{name}: FAILED: {error}", flush=True)
                    failed.append(name)
                    continue
                gpu_records.add(self.results, record)
                gpu_records.save(self.out, self.results)
                print(" | ".join(gpu_table.speed_row(record, self.about)), flush=True)
        return failed

    def over(self) -> bool:
        """Whether nothing more is to begin."""
        return time.monotonic() > self.limit

    def record(self, workers: dict[str, Worker], case: dict, task: str) -> dict:
        """Build the task on both sides, then let them take turns."""
        for worker in workers.values():
            worker.ask("forget")
        request = {"task": task, "case": case, "seed": SEED, "rehearsal": self.rehearsal}
        sides = {"ours": workers["ours"]}
        answers = {"ours": sides["ours"].ask("build", **request)}
        flops = answers["ours"].pop("flops")
        if "peer" in workers and task != "recipe":
            try:
                answers["peer"] = workers["peer"].ask("build", **request)
                sides["peer"] = workers["peer"]
            except WorkerError as error:
                print(f"{gpu_table.label({**case, 'task': task})}: the peer FAILED: {error}")
        for side, seconds in self.take_turns(sides, task).items():
            answers[side] |= {"seconds": seconds, **sides[side].ask("memory")}
        if self.profile:
            answers["ours"] |= self.traced(workers["ours"], gpu_table.label({**case, "task": task}))
        return {
            "run": self.run,
            "rehearsal": self.rehearsal,
            **case,
            "task": task,
            "flops": flops,
            "ours": answers["ours"],
            "peer": answers.get("peer"),
        }

    def traced(self, ours: Worker, name: str) -> dict:
        """Where the task `name` spends its time, with a trace of it in --profile's folder."""
        folder = self.profile / name.replace(" ", "_")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            return ours.ask("profile", task=name.split()[-1], folder=str(folder))
        except WorkerError as error:
            print(f"{name}: no profile: {error}")
            return {}

    def missing(self, case: dict, tasks: list[str]) -> list[str]:
        """The tasks that the file does not hold yet, with a peer if there is one now."""
        done = {
            record["task"]
            for record in self.results["records"]
            if all(record[field] == case[field] for field in gpu_records.CASE)
            and self.alike(self.results["runs"][record["run"]])
            and (record["peer"] or record["task"] == "recipe" or not self.peer_python)
        }
        if known := [task for task in tasks if task in done]:
            print(f"in {self.out} already: {gpu_table.label({**case, 'task': ', '.join(known)})}")
        return [task for task in tasks if task not in done]

    def alike(self, run: dict) -> bool:
        """Whether a run was on this GPU and this commit."""
        return all(run[name] == self.about[name] for name in ("device", "commit"))


def versions(ours: dict, peer: dict | None) -> dict[str, str | None]:
    """Of the driver, CUDA and the packages, each as the one that uses it says."""
    peer = peer or {}
    return {
        "driver": driver(),
        "JAX on": ours["cuda"],
        "PyTorch on CUDA": peer.get("cuda"),
        **{name: ours[name] for name in ("jax", "jaxlib", "keras")},
        **{name: peer.get(name) for name in PEER_NEEDS},
    }


def driver() -> str | None:
    """The GPU driver's version, where nvidia-smi tells."""
    if not shutil.which("nvidia-smi"):
        return None
    ask = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    said = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.split()
    return said[0] if said else None


def commit() -> str:
    """BENCHMARK_COMMIT where it is set, else the source tree's, with "+changes" if it differs."""
    if told := os.environ.get("BENCHMARK_COMMIT"):
        return told
    ask = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+changes"]
    try:
        said = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        said = ""
    return said or "unknown"
