"""The simulator against its peers: ``make bench``.

One forward pass and one vector-Jacobian product, on the reference workload in several sizes and on variants of it in
one size, on one thread and on all. All runs alternate; medians after a warm-up, in which whatever is compiled is
compiled. A peer that takes more than three times as long as the fastest one in its first turn is timed in that alone.
Where a peer does not agree with ours, the run fails. Peers that are not installed are named in the table.

    python -m benchmarks.engine                                  all tables
    python -m benchmarks.engine --size 8 8 64                    the reference in one size
    python -m benchmarks.engine --variants                       the variants' table
    python -m benchmarks.engine --variant cry --size 8 8 64      one variant in one size
    python -m benchmarks.engine --threads 2 --peers Tensor       on two threads, against one peer
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

from benchmarks.measuring import limit_threads, processor, time_alternating, versions
from benchmarks.piped_peers import environment_versions

SIZES = {(4, 4, 64): 60, (8, 8, 64): 60, (12, 8, 64): 75, (16, 4, 16): 20, (20, 2, 2): 12}
"""Qubits, layers and batch, and the ratio of the fastest peer to ours that is to be reached."""
VARIANT_SIZE, VARIANT_RATIO = (12, 8, 64), 37.5
MOST_FLOAT64 = 2  # float64 over float32
LARGE, FEW_REPEATS = 20, 3  # from so many qubits on, so few repeats: the peers take seconds and gigabytes
SLOW = 3  # times the fastest peer's seconds: it is not timed again
OURS, OURS64 = "qiskit_qgen", "qiskit_qgen float64"
TOLERANCES = {"float32": 1e-4, "float64": 1e-6}  # lightning hands its float64 values over in float32
LARGE_TOLERANCE = 5e-4  # of peers in float32 at large sizes: DeepQuantum's values are off by 1.5e-4 at 20 qubits
LIBRARIES = ("qiskit_qgen", "torch", "pennylane", "pennylane_lightning", "deepquantum", "pyqtorch", "qulacs", "numba")


def parse_arguments(variants):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, os.cpu_count()], help="each in turn")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--size", nargs=3, type=int, action="append", metavar=("QUBITS", "LAYERS", "BATCH"))
    parser.add_argument("--variant", choices=variants, action="append", help="this workload")
    parser.add_argument("--reference", action="store_true", help="the reference alone")
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
    for step in sweeps.plan(1).blocks.steps:
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


def check(results, work, peers):
    """Stop if an implementation's values or gradients differ from ours in float64."""
    import numpy as np

    reference, dtype = results[OURS64], work.dtype.__name__
    for name, found in results.items():
        precision = "float32" if name == OURS else peers[name].precision if name in peers else dtype
        tolerance = max(TOLERANCES[dtype], TOLERANCES.get(precision, 0)) if name != OURS64 else TOLERANCES[dtype]
        if name in peers:
            is_rough = work.num_qubits >= LARGE and (precision or dtype) == "float32"
            tolerance = max(tolerance, peers[name].tolerance, LARGE_TOLERANCE if is_rough else 0)
        for what, mine, theirs in zip(("values", "gradient"), reference, found, strict=True):
            error = np.abs(theirs - mine).max() / max(1.0, np.abs(mine).max())
            if not error < tolerance:  # nan is an error too
                raise SystemExit(f"The {what} of {name} differ from ours by {error:.1e}.")


def measure(work, batch, peers, repeats):
    """Return the median seconds of each implementation, and why the others cannot run the workload."""
    import torch

    from benchmarks.workloads import UnsupportedError

    functions, refused = {OURS: ours(work, torch.float32), OURS64: ours(work, torch.float64)}, {}
    arrays = work.arrays(batch)
    for name, peer in peers.items():
        try:
            functions[name] = peer.build(work)
            if peer.environment:
                functions[name](*arrays)  # compiles
        except UnsupportedError as reason:
            functions.pop(name, None)
            refused[name] = str(reason)

    def slow(seconds):
        fastest = min((seconds[name] for name in peers if name in seconds), default=0)
        return [name for name in peers if name in seconds and seconds[name] > SLOW * fastest]

    calls = {name: lambda function=function: function(*arrays) for name, function in functions.items()}
    medians, results = time_alternating(calls, repeats, dropped=slow)
    for name, function in functions.items():
        if name in peers and peers[name].environment:
            function.close()
    check(results, work, peers)
    return medians, refused


def ratios_of(medians, peers, dtype):
    """Return the fastest peer's seconds over ours, and the least of each peer's over ours in its own precision."""
    own = {"float32": medians[OURS], "float64": medians[OURS64]}
    timed = [name for name in peers if name in medians]
    overall = min((medians[name] / own[dtype] for name in timed), default=float("nan"))
    equal = min((medians[name] / own[peers[name].precision or dtype] for name in timed), default=float("nan"))
    return overall, equal


def print_table(title, cases, peers, repeats, peak):
    """Measure the cases, (name, workload, batch, ratio to reach), and print them as they come."""
    installed = {name: peer for name, peer in peers.items() if peer.is_installed}
    names = [OURS, OURS64, *peers]
    ends = ["fastest peer / ours", "to reach", "in equal precision", "float64 / float32", "share of peak"]
    columns = [title, *names, *ends]
    print("| " + " | ".join(columns) + " |")
    print("|---" * len(columns) + "|")
    rows, notes = [], {}
    for label, work, batch, target in cases:
        few = min(repeats, FEW_REPEATS) if work.num_qubits >= LARGE else repeats
        medians, refused = measure(work, batch, installed, few)
        notes |= dict.fromkeys(refused.values())
        ratio, equal = ratios_of(medians, installed, work.dtype.__name__)
        slower = medians[OURS64] / medians[OURS]
        share = count_flops(work, batch) / medians[OURS] / peak
        absent = dict.fromkeys(peers, "not installed") | dict.fromkeys(installed, "cannot")
        cells = [f"{medians[name]:.5f}" if name in medians else absent[name] for name in names]
        cells += [f"{ratio:.0f}", f"{target or ''}", f"{equal:.0f}", f"{slower:.2f}", f"{share:.0%}"]
        print(f"| {label} | " + " | ".join(cells) + " |", flush=True)
        rows.append(
            {
                "name": label,
                "batch": batch,
                "seconds": medians,
                "fastest_peer_over_ours": ratio,
                "to_reach": target,
                "in_equal_precision": equal,
                "float64_over_float32": slower,
                "share_of_peak": share,
            }
        )
    print(*(f"\nLeft out: {note}." for note in notes), sep="")
    return rows


def print_rates(records):
    """Print the samples per second that each count of threads has computed, ours and the fastest peer's."""
    print("Samples per second, ours in float32 and the fastest peer's:\n")
    heads = [f"{who}, {each['threads']} threads" for each in records for who in ("ours", "fastest peer")]
    print("| n, L, B | " + " | ".join(heads).replace(" 1 threads", " 1 thread") + " |")
    print("|---" * (1 + len(heads)) + "|")
    for rows in zip(*(record["reference"] for record in records), strict=True):
        cells = []
        for row in rows:
            peers = {name: value for name, value in row["seconds"].items() if name not in (OURS, OURS64)}
            best = min(peers, key=peers.get, default=None)
            cells.append(f"{row['batch'] / row['seconds'][OURS]:,.0f}")
            cells.append(f"{row['batch'] / peers[best]:,.0f} ({best})" if best else "")
        print(f"| {rows[0]['name']} | " + " | ".join(cells) + " |")


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


def run(options, threads):
    """Measure all on so many threads, in this process, print the tables and return the figures."""
    from benchmarks.peers import PEERS
    from benchmarks.workloads import VARIANTS

    limit_threads(threads)
    chosen = tuple(options.peers) if options.peers is not None else ("",)
    peers = {name: peer for name, peer in PEERS.items() if name.startswith(chosen)}
    peak = peak_flops()
    print(f"{processor()}, threads: {threads}; float32 matrix product {peak / 1e9:.0f} GFlop/s\n")
    found = versions(*LIBRARIES, "qiskit")
    for peer in peers.values():
        found |= environment_versions(peer.environment) if peer.environment and peer.is_installed else {}
    print(", ".join(f"{name} {version}" for name, version in found.items()) + "\n")
    print(
        f"Medians of {options.repeats} alternating turns ({min(options.repeats, FEW_REPEATS)} from {LARGE} qubits on;"
    )
    print(f"one of a peer that takes over {SLOW} times as long as the fastest), seconds; one forward pass and one")
    print(f"vector-Jacobian product. float64 is to take at most {MOST_FLOAT64} times the time of float32.\n")
    sizes = [tuple(size) for size in options.size or ()]
    record = {"processor": processor(), "threads": threads, "versions": found}
    if not options.variants and not options.variant:
        record["reference"] = print_table("n, L, B", reference_cases(sizes or SIZES), peers, options.repeats, peak)
        print()
    if options.variants or options.variant or not (sizes or options.reference):
        names = options.variant or [name for name in VARIANTS if name != "reference"]
        title = "workload" if sizes else "workload at n, L, B = {}, {}, {}".format(*VARIANT_SIZE)
        cases = variant_cases(names, sizes or [VARIANT_SIZE])
        record["variants"] = print_table(title, cases, peers, options.repeats, peak)
        print()
    return record


def main():
    warnings.simplefilter("ignore")  # the peers' own
    from benchmarks.workloads import VARIANTS

    options = parse_arguments(list(VARIANTS))
    counts = list(dict.fromkeys(options.threads))
    if len(counts) == 1:
        records = [run(options, counts[0])]
    else:
        # Libraries take their number of threads when they are loaded.
        records = []
        with tempfile.TemporaryDirectory() as folder:
            for count in counts:
                file = Path(folder) / f"{count}.json"
                arguments = [*sys.argv[1:], "--threads", str(count), "--json", str(file)]
                subprocess.run([sys.executable, "-m", "benchmarks.engine", *arguments], check=True)
                records += json.loads(file.read_text())
        if all("reference" in record for record in records):
            print_rates(records)
    if options.json:
        options.json.write_text(json.dumps(records, indent=1) + "\n")


if __name__ == "__main__":
    main()
