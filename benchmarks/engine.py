"""The simulator against the installed peers: ``make bench``.

One forward pass and one vector-Jacobian product, on the reference workload in several sizes and on variants of it in
one size. All runs alternate in one process with equal threads; medians after a warm-up. Where a peer does not agree
with ours, the run fails. Peers that are not installed are left out.

    python -m benchmarks.engine                                  both tables
    python -m benchmarks.engine --size 8 8 64                    the reference in one size
    python -m benchmarks.engine --variants                       the variants' table
    python -m benchmarks.engine --variant cry --size 8 8 64      one variant in one size
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import time
import warnings
from pathlib import Path

from benchmarks.measuring import limit_threads, processor, time_alternating, versions

SIZES = {(4, 4, 64): 40, (8, 8, 64): 40, (12, 8, 64): 25, (16, 4, 16): 12, (20, 2, 2): 8}
"""Qubits, layers and batch, and the ratio of the fastest peer to ours that is to be reached."""
VARIANT_SIZE, VARIANT_RATIO = (12, 8, 64), 12.5
MOST_FLOAT64 = 2  # float64 over float32
LARGE, FEW_REPEATS = 20, 3  # from so many qubits on, so few repeats: the peers take seconds and gigabytes
OURS, OURS64 = "qiskit_qgen", "qiskit_qgen float64"
TOLERANCES = {"float32": 1e-4, "float64": 1e-6}  # lightning hands its float64 values over in float32
LARGE_TOLERANCE = 5e-4  # of peers in float32 at large sizes: DeepQuantum's values are off by 1.5e-4 at 20 qubits
LIBRARIES = ("qiskit_qgen", "torch", "pennylane", "pennylane_lightning", "deepquantum", "pyqtorch", "qulacs", "numba")


def parse_arguments(variants):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--size", nargs=3, type=int, action="append", metavar=("QUBITS", "LAYERS", "BATCH"))
    parser.add_argument("--variant", choices=variants, action="append", help="this workload")
    parser.add_argument("--variants", action="store_true", help="the variants alone")
    parser.add_argument("--peers", nargs="*", metavar="NAME", help="these peers alone, by the begin of their names")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def ours(work, dtype):
    """Return the workload on the built-in simulator, through a QuantumLayer as a user has it."""
    import torch

    from qiskit_qgen.execution import LocalExecution
    from qiskit_qgen.layers import QuantumLayer

    layer = QuantumLayer(work.circuit, observables=work.operators, execution=LocalExecution(dtype=dtype))

    def run(angles, cotangent):
        a = torch.tensor(angles, dtype=dtype, requires_grad=True)
        values = layer(a)
        values.backward(torch.tensor(cotangent, dtype=dtype))
        return values.detach().numpy(), a.grad.numpy()

    return run


def count_flops(work, batch):
    """Return the floating-point operations of a forward pass and a vector-Jacobian product of the lowered circuit."""
    from qiskit_qgen.simulator import lower
    from qiskit_qgen.simulator.cpu.block_tables import PASS, ROTATION
    from qiskit_qgen.simulator.cpu.sweeps import Sweeps

    program = lower(work.circuit)
    terms, _ = program.terms(work.operators)
    sweeps = Sweeps(program, terms, len(work.operators))
    rows = 1 << program.width
    total = rows * (6 + 16)  # a row of the start, and what it contributes to the derivatives by that
    for step in sweeps.plan(1).segments[0].blocks.steps:
        # A pair of rows: 8 to rotate by a tangent, 12 by cosine and sine, twice that to undo on two states, and 8 for
        # the derivative. A row: 6, 12 and 4 for a phase.
        if step["kind"] == PASS:
            total += int(step["count"]) * (rows // 2) * (8 + 16 + 8) + (step["diagonal"] >= 0) * rows * (6 + 12 + 4)
        else:
            each = rows // 2 * (12 + 24 + 8) if step["kind"] == ROTATION else rows * (6 + 12 + 4)
            total += each >> int(step["last"] - step["first"])
    total += len(sweeps.split.words) * rows * (2 + 4)
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


def check(results, dtype, num_qubits):
    """Stop if an implementation's values or gradients differ from ours in float64."""
    import numpy as np

    reference = results[OURS64]
    for name, found in results.items():
        tolerance = TOLERANCES["float32" if name == OURS else dtype.__name__]
        if num_qubits >= LARGE and name != OURS and dtype.__name__ == "float32":
            tolerance = LARGE_TOLERANCE
        for what, mine, theirs in zip(("values", "gradient"), reference, found, strict=True):
            error = np.abs(theirs - mine).max() / max(1.0, np.abs(mine).max())
            if not error < tolerance:  # nan is an error too
                raise SystemExit(f"The {what} of {name} differ from ours by {error:.1e}.")


def measure(work, batch, peers, repeats):
    """Return the median seconds of each implementation, and why the others cannot run the workload."""
    import torch

    from benchmarks.peers import UnsupportedError

    functions, refused = {OURS: ours(work, torch.float32), OURS64: ours(work, torch.float64)}, {}
    for name, build in peers.items():
        try:
            functions[name] = build(work)
        except UnsupportedError as reason:
            refused[name] = str(reason)
    arrays = work.arrays(batch)
    calls = {name: lambda function=function: function(*arrays) for name, function in functions.items()}
    medians, results = time_alternating(calls, repeats)
    check(results, work.dtype, work.num_qubits)
    return medians, refused


def print_table(title, cases, peers, repeats, peak):
    """Measure the cases, (name, workload, batch, ratio to reach), and print them as they come."""
    import numpy as np

    from benchmarks.peers import PEERS

    names = [OURS, OURS64, *(name for name in PEERS if name in peers)]
    columns = [title, *names, "fastest peer / ours", "to reach", "float64 / float32", "share of peak"]
    print("| " + " | ".join(columns) + " |")
    print("|---" * len(columns) + "|")
    rows, notes = [], {}
    for label, work, batch, target in cases:
        few = min(repeats, FEW_REPEATS) if work.num_qubits >= LARGE else repeats
        medians, refused = measure(work, batch, peers, few)
        notes |= dict.fromkeys(refused.values())
        mine = medians[OURS64 if work.dtype == np.float64 else OURS]
        ratio = min((medians[name] for name in peers if name in medians), default=float("nan")) / mine
        slower = medians[OURS64] / medians[OURS]
        share = count_flops(work, batch) / medians[OURS] / peak
        cells = [f"{medians[name]:.5f}" if name in medians else "" for name in names]
        cells += [f"{ratio:.0f}", f"{target or ''}", f"{slower:.2f}", f"{share:.0%}"]
        print(f"| {label} | " + " | ".join(cells) + " |", flush=True)
        rows.append(
            {
                "name": label,
                "seconds": medians,
                "fastest_peer_over_ours": ratio,
                "to_reach": target,
                "float64_over_float32": slower,
                "share_of_peak": share,
            }
        )
    print(*(f"\nLeft out: {note}." for note in notes), sep="")
    return rows


def reference_cases(sizes):
    from benchmarks.workloads import VARIANTS

    build = VARIANTS["reference"][1]
    return [("{}, {}, {}".format(*size), build(*size[:2]), size[2], SIZES.get(size)) for size in sizes]


def variant_cases(names, sizes):
    from benchmarks.workloads import VARIANTS

    cases = []
    for name in names:
        text, build = VARIANTS[name]
        for size in sizes:
            target = VARIANT_RATIO if size == VARIANT_SIZE else None
            where = "" if sizes == [VARIANT_SIZE] else " ({}, {}, {})".format(*size)
            cases.append((f"{name}: {text}{where}", build(*size[:2]), size[2], target))
    return cases


def main():
    warnings.simplefilter("ignore")  # the peers' own
    from benchmarks.peers import PEERS
    from benchmarks.workloads import VARIANTS

    options = parse_arguments(list(VARIANTS))
    limit_threads(options.threads)
    peers = {name: build for name, (module, build) in PEERS.items() if importlib.util.find_spec(module)}
    if options.peers is not None:
        peers = {name: build for name, build in peers.items() if name.startswith(tuple(options.peers))}
    peak = peak_flops()
    print(f"{processor()}, {options.threads} threads; float32 matrix product {peak / 1e9:.0f} GFlop/s\n")
    print(", ".join(f"{name} {version}" for name, version in versions(*LIBRARIES, "qiskit").items()) + "\n")
    print(
        f"Medians of {options.repeats} alternating runs ({min(options.repeats, FEW_REPEATS)} from {LARGE} qubits on),"
    )
    print(f"seconds; one forward pass and one vector-Jacobian product. float64 is to take at most {MOST_FLOAT64} times")
    print("the time of float32.\n")
    sizes = [tuple(size) for size in options.size or ()]
    record = {"processor": processor(), "threads": options.threads, "versions": versions(*LIBRARIES, "qiskit")}
    if not options.variants and not options.variant:
        record["reference"] = print_table("n, L, B", reference_cases(sizes or SIZES), peers, options.repeats, peak)
        print()
    if options.variants or options.variant or not sizes:
        chosen = options.variant or [name for name in VARIANTS if name != "reference"]
        title = "workload" if sizes else "workload at n, L, B = {}, {}, {}".format(*VARIANT_SIZE)
        cases = variant_cases(chosen, sizes or [VARIANT_SIZE])
        record["variants"] = print_table(title, cases, peers, options.repeats, peak)
    if options.json:
        options.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
