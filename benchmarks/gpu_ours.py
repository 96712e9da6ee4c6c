"""Our side of gpu.py: the package's steps on Keras with JAX, in a process of its own."""

import gc
import importlib.metadata

import jax
import jax.numpy as jnp
from gpu_worker import Run, Side, serve

from covid_keras.utils.backend import import_keras

PROFILED_STEPS = 5


class Ours(Side):
    """See `gpu_worker`; every method answers a request."""

    def device(self) -> dict:
        """What JAX runs on, and the versions of what it runs."""
        device = jax.devices()[0]
        packages = ("jax", "jaxlib", "keras")
        return {
            "platform": device.platform,
            "name": device.device_kind,
            "cuda": " ".join(device.client.platform_version.split()),
            **{package: importlib.metadata.version(package) for package in packages},
        }

    def ceilings(self, side: int, copied: int) -> dict:
        """Matrix products of side^3 on random data in both precisions; and a copy.

        Args:
            side: of the square matrices.
            copied: bytes that the copy reads, and writes again.
        """
        keys = jax.random.split(jax.random.key(0), 2)
        # No options: float32 products take tf32 where the GPU has it, as the package's do.
        multiply, copy = jax.jit(jnp.matmul), jax.jit(lambda x: x + 1)
        for dtype in ("bfloat16", "float32"):
            factors = [jax.random.normal(key, (side, side), dtype) for key in keys]
            self.runs[dtype] = repeated(multiply, *factors)
        self.runs["copy"] = repeated(copy, jnp.zeros(copied // 4, "float32"))
        return {}

    def build(self, task: str, case: dict, seed: int, rehearsal: bool) -> dict:
        """Build and compile one of gpu_steps.py's tasks."""
        import_keras()  # here, since it takes seconds and `ceilings` needs none of it
        import gpu_steps

        step = gpu_steps.TASKS[task](case, seed, rehearsal)
        self.runs[task], self.last_loss = step.run, step.loss
        return {
            "compile_seconds": step.compile_seconds,
            "flops": step.flops,
            "program": step.program,
        }

    def forget(self) -> dict:
        """Drops what ran before, and frees its memory for the next task."""
        self.runs.clear()
        self.last_loss = None
        gc.collect()
        return {}

    def memory(self) -> dict:
        """Most bytes of the GPU that this process held at once (null on a CPU); and the loss.

        JAX never resets it: it is that of the largest task so far, kernels' trials included.
        """
        statistics = jax.devices()[0].memory_stats() or {}
        return {"peak_bytes": statistics.get("peak_bytes_in_use"), "loss": self.last_loss()}

    def profile(self, task: str, folder: str) -> dict:
        """Writes a trace of `PROFILED_STEPS` steps into `folder`; milliseconds a step by kind."""
        import gpu_profile

        self.runs[task](1)
        with jax.profiler.trace(folder):
            self.runs[task](PROFILED_STEPS)
        return gpu_profile.summary(folder, PROFILED_STEPS)


def repeated(call, *inputs) -> Run:
    """Runs `call` on the same inputs."""

    def run(steps: int) -> None:
        for _ in range(steps):
            output = call(*inputs)
        jax.block_until_ready(output)

    return run


if __name__ == "__main__":
    serve(Ours())
