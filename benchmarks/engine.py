"""The simulator against the installed peers on the reference workload: ``make bench``.

One forward pass and one vector-Jacobian product. All runs alternate in one process with equal threads; medians after a
warm-up. Where a peer does not agree with ours to 1e-4, the run fails. Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import time
import warnings
from pathlib import Path

SIZES = ((4, 4, 64), (8, 8, 64), (12, 8, 64), (16, 4, 16))
TARGETS = {4: 40, 8: 40, 12: 25, 16: 12}  # fastest peer over ours, to reach


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--size", nargs=3, type=int, action="append", metavar=("QUBITS", "LAYERS", "BATCH"))
    parser.add_argument("--no-peers", action="store_true", help="measure the simulator alone")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor() or platform.machine()


def ours(n, L, dtype):
    """Return the workload on the built-in simulator, through a QuantumLayer as a user has it, and the layer."""
    import torch

    from qiskit_qgen.circuits import pauli_observables, style_ansatz
    from qiskit_qgen.execution import LocalExecution
    from qiskit_qgen.layers import QuantumLayer

    layer = QuantumLayer(style_ansatz(n, L), observables=pauli_observables(n), execution=LocalExecution(dtype=dtype))

    def run(angles, cotangent):
        a = torch.tensor(angles, dtype=dtype, requires_grad=True)
        values = layer(a.flatten(1))
        values.backward(torch.tensor(cotangent, dtype=dtype))
        return values.detach().numpy(), a.grad.numpy()

    return run


def count_flops(n, L, batch):
    """Return the floating-point operations of one forward pass and one vector-Jacobian product of the lowered
    circuit.
    """
    from qiskit_qgen.circuits import pauli_observables, style_ansatz
    from qiskit_qgen.simulator import lower
    from qiskit_qgen.simulator.blocks import ROTATION

    program = lower(style_ansatz(n, L).circuit)
    total, rows = 0, 1 << n
    for kind in program.blocks.operations[:, 0]:
        # A pair of rows: 12 to rotate, 24 to undo on two states and 8 for the derivative. A row: 6, 12 and 4 for a
        # phase.
        total += rows // 2 * (12 + 24 + 8) if kind == ROTATION else rows * (6 + 12 + 4)
    readout, _ = program.readout(pauli_observables(n))
    total += len(readout.terms) * rows * (2 + 4)
    return total * batch


def peak_flops():
    """Return the float32 multiply-adds per second (two operations each) of a matrix product."""
    import torch

    a = torch.randn(1536, 1536)
    seconds = []
    for _ in range(8):
        start = time.perf_counter()
        a @ a
        seconds.append(time.perf_counter() - start)
    return 2 * 1536**3 / min(seconds)


def time_alternating(functions, arguments, repeats):
    """Return the median seconds of each function, called in turn, and what each returned.

    A turn of a function is one call, or as many as fill 20 ms; the first turn is a warm-up.
    """
    import numpy as np

    seconds, results, calls = {name: [] for name in functions}, {}, dict.fromkeys(functions, 1)
    for turn in range(repeats + 2):
        for name, function in functions.items():
            start = time.perf_counter()
            for _ in range(calls[name]):
                results[name] = function(*arguments)
            elapsed = (time.perf_counter() - start) / calls[name]
            if turn == 1:
                calls[name] = max(1, round(0.02 / elapsed))
            elif turn > 1:
                seconds[name].append(elapsed)
    return {name: float(np.median(values)) for name, values in seconds.items()}, results


def main():
    options = parse_arguments()
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[variable] = str(options.threads)
    warnings.simplefilter("ignore")  # the peers' own
    import numpy as np
    import torch

    from benchmarks.peers import PEERS

    torch.set_num_threads(options.threads)
    peers = {} if options.no_peers else {k: f for k, (module, f) in PEERS.items() if importlib.util.find_spec(module)}
    versions = {"qiskit_qgen": importlib.metadata.version("qiskit_qgen"), "torch": torch.__version__}
    for module in ("pennylane", "pennylane_lightning", "deepquantum", "pyqtorch", "qulacs", "numba", "qiskit"):
        if importlib.util.find_spec(module):
            versions[module] = importlib.metadata.version(module)
    peak = peak_flops()
    print(f"{processor()}, {options.threads} threads; float32 matrix product {peak / 1e9:.0f} GFlop/s")
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
    print(f"medians of {options.repeats} alternating runs, seconds; one forward and one vector-Jacobian product\n")
    names = ["qiskit_qgen", "qiskit_qgen float64", *peers]
    print("| n, L, B | " + " | ".join(names) + " | fastest peer / ours | to reach | share of peak |")
    print("|---" * (len(names) + 4) + "|")
    rows = []
    for n, L, batch in options.size or SIZES:
        rng = np.random.default_rng(0)
        angles = rng.normal(size=(batch, L + 1, n, 2)).astype(np.float32)
        cotangent = rng.normal(size=(batch, 2 * n)).astype(np.float32)
        functions = {"qiskit_qgen": ours(n, L, torch.float32), "qiskit_qgen float64": ours(n, L, torch.float64)}
        functions |= {name: build(n, L) for name, build in peers.items()}
        medians, results = time_alternating(functions, (angles, cotangent), options.repeats)
        for name, (values, gradient) in results.items():
            reference = results["qiskit_qgen float64"]
            error = max(np.abs(values - reference[0]).max(), np.abs(gradient - reference[1]).max())
            if not error < 1e-4:
                raise SystemExit(f"{name} differs from ours by {error:.1e} at {n} qubits.")
        mine = medians["qiskit_qgen"]
        ratio = min((medians[name] for name in peers), default=float("nan")) / mine
        share = count_flops(n, L, batch) / mine / peak
        cells = " | ".join(f"{medians[name]:.5f}" for name in names)
        print(f"| {n}, {L}, {batch} | {cells} | {ratio:.0f} | {TARGETS.get(n, '')} | {share:.0%} |", flush=True)
        rows.append(
            {"size": [n, L, batch], "seconds": medians, "fastest_peer_over_ours": ratio, "share_of_peak": share}
        )
    if options.json:
        record = {"processor": processor(), "threads": options.threads, "versions": versions, "rows": rows}
        options.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
