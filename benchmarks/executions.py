"""One trained model on every execution: exact, with shots, noisy, mitigated, and on IBM's protocol.

    python -m benchmarks.executions runs/demo/model

The same noise vectors go to the built-in simulator in float64, to Aer (exact, with shots, with a device's noise), to
the device's fake twin through Runtime's client with resilience levels 1 and 2, and to the loopback server
through the real client as a job, in a batch and in a session. Writes comparison.json, comparison.md and comparison.png.

Noisy circuits of many qubits are simulated shot by shot, which takes seconds for each sample: each execution is tried
with two samples first, and gets as many samples as fit into --minutes. Executions that are finished are kept in the
folder: the same command goes on with the next one. A row with fewer samples is compared with an exact row of as few.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.measuring import processor, versions
from qiskit_qgen import StyleQGAN, load_dataset
from qiskit_qgen.execution import AerExecution, ErrorMitigation, RuntimeExecution
from qiskit_qgen.metrics import FeatureCache, IdentityFeatureExtractor
from qiskit_qgen.persistence import load_tensors, save_tensors
from qiskit_qgen.plotting import plot_comparison
from qiskit_qgen.studies import ExecutionComparison, compare_executions
from qiskit_qgen.testing.loopback import LoopbackOptions, LoopbackServer

TOLERANCE = 1e-6
TRIAL = 2
SLOW = ("aer-noisy", "level-1", "level-2")
MODES = ("job", "batch", "session")


def executions(options):
    """Return what makes each execution, by name; an execution on the service takes its client."""
    few, many, fake = options.noisy_shots, options.shots, f"fake_{options.device}"

    def mitigated(level):
        mitigation = ErrorMitigation(resilience_level=level)
        return lambda _: RuntimeExecution(fake, shots=few, seed=1, mitigation=mitigation)

    def served(mode):
        ledger = options.out / "ledger" / mode
        name = f"ibm_{options.device}"
        return lambda service: RuntimeExecution(name, service=service, mode=mode, shots=many, ledger=ledger)

    return {
        "aer-exact": lambda _: AerExecution(),
        f"aer-{many}-shots": lambda _: AerExecution(shots=many, seed=1),
        f"aer-{few}-shots": lambda _: AerExecution(shots=few, seed=1),
        "aer-noisy": lambda _: AerExecution(shots=few, seed=1, noise_model=fake),
        **{f"level-{level}": mitigated(level) for level in (1, 2)},
        **{f"service-{mode}": served(mode) for mode in MODES},
    }


class Comparison:
    """The rows that are finished, each in files of its own in a folder."""

    def __init__(self, folder, settings):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        known = folder / "settings.json"
        if known.exists() and json.loads(known.read_text()) != settings:
            raise SystemExit(f"{folder} holds a comparison with other settings: choose another --out.")
        known.write_text(json.dumps(settings, indent=1) + "\n")

    def has(self, name):
        return (self.folder / f"{name}.json").exists()

    def add(self, name, found, facts):
        """Keep one execution's row and the exact one that belongs to it."""
        save_tensors(self.folder / f"{name}.safetensors", found.images)
        (self.folder / f"{name}.json").write_text(json.dumps(found.to_dict() | facts, indent=1) + "\n")

    def read(self, name):
        record = json.loads((self.folder / f"{name}.json").read_text())
        found = ExecutionComparison(
            rows=record["executions"],
            floors=record["floors"],
            images=load_tensors(self.folder / f"{name}.safetensors")[0],
            num_samples=record["num_samples"],
            seeds=tuple(record["seeds"]),
            extractor=record["extractor"],
        )
        return found, record["facts"]


def run_one(name, make, model, data, options, cache, log):
    """Run one execution on as many samples as its time allows; return the comparison and what else is known."""
    with ExitStack() as stack:
        service, server, trial = None, None, None
        if name.startswith("service"):
            seed = [f"service-{mode}" for mode in MODES].index(name)  # otherwise all modes would draw the same shots
            served = LoopbackOptions(devices=(options.device,), noise=options.service_noise, seed=100 * (seed + 1))
            server = stack.enter_context(LoopbackServer(served))
            os.environ.update(server.environment())
            service = server.service()
        execution = stack.enter_context(make(service))
        num_samples = options.num_samples
        if name in SLOW:
            model.sample_latents(1, seed=9, execution=execution)  # transpiles
            start = time.perf_counter()
            model.sample_latents(TRIAL, seed=9, execution=execution)
            trial = (time.perf_counter() - start) / TRIAL
            affordable = int(60 * options.minutes / (trial * len(options.seeds)))
            num_samples = max(TRIAL, min(num_samples, affordable))
            log(
                f"{name}: {trial:.2f} s a sample, {options.num_samples} need {trial * options.num_samples / 60:.1f} min"
            )
            if num_samples < options.num_samples:
                log(f"{name}: takes {num_samples} samples, as --minutes {options.minutes} allows")
        found = compare_executions(
            model, data, {name: execution}, num_samples, options.seeds, extractor=options.features, cache=cache
        )
        facts = {"seconds_per_sample": found.rows[1]["seconds"] / (num_samples * len(options.seeds)), "tried": trial}
        if execution.has_cost:
            cost = model.estimate_cost(num_samples, execution=execution)
            facts |= {"qpu_seconds": cost.qpu_seconds, "circuits_per_sample": cost.circuits / num_samples}
        if server is not None:
            submissions = server.submissions
            circuits = sum(each["num_circuits"] for each in submissions)
            facts["server"] = {
                "jobs": len(submissions),
                "circuits_per_sample": circuits / (num_samples * len(options.seeds)),
                "sessions": [session["mode"] for session in server.state()["sessions"]],
                "noise": options.service_noise,
            }
        return found, {"facts": facts}


def merged(parts):
    """Return one comparison of all parts that had the same number of samples, for each such number."""
    by_size = {}
    for found, _ in parts.values():
        by_size.setdefault(found.num_samples, []).append(found)
    return [
        replace(same[0], rows=[same[0].rows[0], *(each.rows[1] for each in same)])
        for _, same in sorted(by_size.items(), reverse=True)
    ]


def report(parts, folder, options):
    """Write the tables, the numbers and the image; return the text."""
    tables = [found.table() for found in merged(parts)]
    lines = ["| execution | seconds a sample | measured circuits a sample | jobs at the server | sessions |"]
    lines.append("|---" * 5 + "|")
    for name, (_, facts) in parts.items():
        server = facts.get("server")
        circuits = (server or facts).get("circuits_per_sample", "-")
        jobs, sessions = (server["jobs"], ", ".join(server["sessions"]) or "none") if server else ("-", "-")
        lines.append(f"| {name} | {facts['seconds_per_sample']:.3g} | {circuits} | {jobs} | {sessions} |")
    noise = "with the device's noise" if options.service_noise else "without noise"
    lines += [
        "",
        f"Noise and levels: fake_{options.device}, {options.noisy_shots} shots for each of the two measured circuits. "
        f"Service: ibm_{options.device} of the loopback server, {options.shots} shots, {noise}.",
    ]
    text = "\n\n".join([*tables, "\n".join(lines)])
    (folder / "comparison.md").write_text(text + "\n")
    packages = versions("qiskit_qgen", "qiskit", "qiskit_aer", "qiskit_ibm_runtime", "torch")
    record = {
        "machine": processor(),
        "threads": torch.get_num_threads(),
        "versions": packages,
        "parts": {name: found.to_dict() | {"facts": facts} for name, (found, facts) in parts.items()},
    }
    (folder / "comparison.json").write_text(json.dumps(record, indent=1) + "\n")
    first = next(iter(parts.values()))[0]
    shown = {"exact": first.images["exact"]} | {name: found.images[name] for name, (found, _) in parts.items()}
    count = min(len(images) for images in shown.values())
    plot_comparison({name: images[:count] for name, images in shown.items()}).savefig(folder / "comparison.png")
    return text


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="folder of a saved StyleQGAN for images")
    parser.add_argument("-n", "--num-samples", type=int, default=256)
    parser.add_argument("--seed", dest="seeds", type=int, action="append", help="seed of the noise; repeatable")
    parser.add_argument("--only", help="executions, separated by commas; those that are finished are shown too")
    parser.add_argument("--data", default="fashion-mnist-mini", help="images to score against (their test split)")
    parser.add_argument("--features", choices=("pixel", "efficientnet-lite0-96px"), default="efficientnet-lite0-96px")
    parser.add_argument("--device", default="kolkata", help="fake device, without fake_")
    parser.add_argument("--shots", type=int, default=1024)
    parser.add_argument("--noisy-shots", type=int, default=128, help="shots where circuits are simulated shot by shot")
    parser.add_argument("--service-noise", action="store_true", help="let the loopback server's device err too: slow")
    parser.add_argument("--minutes", type=float, default=10.0, help="time for each slow execution")
    parser.add_argument("--out", type=Path, default=Path("runs/executions"))
    options = parser.parse_args(arguments)
    options.seeds = tuple(options.seeds or (0,))
    return options


def main(arguments=None):
    options = parse(arguments)
    makers = executions(options)
    chosen = list(makers) if options.only is None else options.only.split(",")
    if unknown := set(chosen) - makers.keys():
        raise SystemExit(f"There is no execution {', '.join(sorted(unknown))}; there are {', '.join(makers)}.")
    model = StyleQGAN.from_pretrained(options.model)
    data = load_dataset(options.data, split="test")
    free = ("only", "minutes", "out")
    settings = {name: str(value) for name, value in vars(options).items() if name not in free}
    kept = Comparison(options.out / "parts", settings)
    if options.features == "pixel":
        options.features = IdentityFeatureExtractor(data.images[0].numel(), name="pixel")
    cache = FeatureCache(options.out / "features")
    for name in chosen:
        if kept.has(name):
            print(f"{name}: finished before")
            continue
        print(f"{name} ...", flush=True)
        kept.add(name, *run_one(name, makers[name], model, data, options, cache, print))
    parts = {name: kept.read(name) for name in makers if kept.has(name)}
    print(report(parts, options.out, options))
    if "aer-exact" in parts:
        largest = parts["aer-exact"][0].rows[1]["latent_max"]["mean"]
        print(f"Aer exact: latents equal the exact ones to {largest:.1e}")
        if largest > TOLERANCE:
            raise SystemExit(f"They should be equal to {TOLERANCE}.")


if __name__ == "__main__":
    main()
