"""Diffusion models: what the circuit in the bottleneck costs, how long images take, and whether the noise is noise.

    python -m benchmarks.diffusion [--threads 2] [--only steps|images|noise|schedules|samplers]

`steps`: one optimisation step of each bottleneck, all else equal, by turns, at 16 qubits and batch 64. `images`: 64
images by each sampler, untrained weights, which take as long as trained ones. `noise`: the statistical report of a
million numbers of the quantum source and of a Gaussian one. `schedules`: what part of the variance the samplers lose
by each schedule, exactly, of normal vectors with the spectrum of real images and a perfect network. `samplers`: the
kernel distance of each sampler's images from the same noise, of models trained on real images, with intervals over the
trainings; the models are narrow and classical, to be trained in minutes.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from benchmarks.measuring import limit_threads, processor, time_alternating, versions

PARTS = ("steps", "images", "noise", "schedules", "samplers")
ARMS = ("plain", "se", "se_frozen", "quantum")
SAMPLERS = (("ddim", 50), ("dpm-solver", 20))
CALLS = (10, 20, 50)


def step_times(options):
    """Return the median seconds of an optimisation step of each arm."""
    import torch

    from qiskit_qgen.models import QuantumDiffusion

    x = torch.randn(options.batch, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    steps = torch.arange(options.batch)

    def step_of(arm):
        width = {"plain": {}, "quantum": {"num_qubits": options.qubits}}.get(arm, {"bottleneck_width": options.qubits})
        network = QuantumDiffusion(bottleneck=arm, **width).get_submodule("denoiser").train()
        weights = [weight for weight in network.parameters() if weight.requires_grad]
        optimizer = torch.optim.Adam(weights, lr=1e-3)

        def step():
            optimizer.zero_grad(set_to_none=True)
            (network(x, steps) - x).square().mean().backward()
            optimizer.step()

        return step

    return time_alternating({arm: step_of(arm) for arm in ARMS}, options.repeats)[0]


def image_times(options):
    """Return the seconds that 64 images take, without and with guidance by labels."""
    import torch

    from qiskit_qgen import QuantumDiffusion

    seconds = {}
    for guidance in (None, 2.0):
        classes = {} if guidance is None else {"num_classes": 10, "guidance": guidance}
        model = QuantumDiffusion(image_shape=(1, 28, 28), num_qubits=options.qubits, **classes)
        labels = None if guidance is None else torch.zeros(4, dtype=torch.int64)
        model.fit(torch.rand(4, 1, 28, 28), labels=labels, steps=1, batch_size=4, seed=0, callbacks=[])
        model.sample(64, seed=0, sampler="ddim", sampling_steps=1)
        for sampler, calls in SAMPLERS:
            start = time.perf_counter()
            model.sample(64, seed=0, sampler=sampler, sampling_steps=calls)
            name = f"{sampler}, {calls} steps" + ", guided" * (guidance is not None)
            seconds[name] = time.perf_counter() - start
    return seconds


def noise_reports(options):
    """Return the reports of both sources by the length of the vectors."""
    from qiskit_qgen.noise import GaussianNoise, QuantumCircuitNoise, noise_report

    found = {}
    for dim in (16, 784):
        for source in (QuantumCircuitNoise(dim), GaussianNoise(dim)):
            source.sample(1000, _generator())
            found[repr(source)] = noise_report(source, options.numbers)
    return found


def schedule_errors(options):
    """Return, by schedule and sampler, ``sum (found - true deviation)^2 / sum of variances`` for each of CALLS.

    With normal data the best network is known, and each component is multiplied by a number, so nothing is drawn.
    """
    import torch

    from qiskit_qgen import load_dataset
    from qiskit_qgen.diffusion import (
        NoiseSchedule,
        data_spectrum,
        ddim_sample,
        dpm_solver_sample,
        information_beta_schedule,
    )

    spectrum = data_spectrum(load_dataset(options.spectrum).images * 2 - 1)
    variances, unit = spectrum.flatten(), torch.ones(1, spectrum.numel(), dtype=torch.float64)
    schedules = {name: NoiseSchedule.named(name) for name in ("cosine", "linear", "sigmoid")}
    schedules["information"] = NoiseSchedule(information_beta_schedule(spectrum))
    found = {}
    for name, schedule in schedules.items():

        def network(x, steps, schedule=schedule):
            signal, sigma = schedule.at("signals", steps, x), schedule.at("sigmas", steps, x)
            return signal * variances / (signal**2 * variances + sigma**2) * x

        for sampler, draw in (("ddim", ddim_sample), ("dpm-solver", dpm_solver_sample)):
            drawn = [draw(network, unit, schedule, num_steps=n, prediction="x0", clip=None)[0] for n in CALLS]
            lost = [float((x.abs() - variances.sqrt()).square().sum() / variances.sum()) for x in drawn]
            found[f"{name}, {sampler}"] = lost
    return found


def sampler_distances(options):
    """Return the kernel distances of each sampler and number of calls, one for each training."""
    from qiskit_qgen import QuantumDiffusion, load_dataset
    from qiskit_qgen.metrics import get_extractor, kernel_distance

    train, test = (load_dataset(options.data, split=split).images for split in ("train", "test"))
    extractor = get_extractor(options.extractor, image_shape=tuple(train.shape[1:]))
    real, found = extractor(test[: options.samples]), {}
    for seed in range(options.seeds):
        model = QuantumDiffusion(image_shape=tuple(train.shape[1:]), bottleneck="se", architecture_width=options.width)
        model.fit(train, steps=options.train_steps, batch_size=options.batch, seed=seed, callbacks=[])
        for calls in CALLS:
            for sampler in ("ddim", "dpm-solver"):
                images = model.sample(options.samples, seed=seed, sampler=sampler, sampling_steps=calls)
                distance = float(kernel_distance(extractor(images), real)[0])
                found.setdefault(f"{sampler}, {calls} steps", []).append(distance)
                print(f"training {seed}, {sampler}, {calls} steps: {distance:.4f}", flush=True)
    return found


def sampler_table(distances):
    """Return the means of the distances, and of the differences from DDIM with as many steps, as Markdown."""
    from qiskit_qgen.studies.intervals import interval_text, mean_interval

    lines = ["| sampler | kernel distance | less than ddim's |", "|---|---|---|"]
    for name, each in distances.items():
        sampler, calls = name.split(", ")
        less = [a - b for a, b in zip(distances[f"ddim, {calls}"], each, strict=True)]
        text = "" if sampler == "ddim" else interval_text(mean_interval(less))
        lines.append(f"| {name} | {sum(each) / len(each):.4f} | {text} |")
    return "\n".join(lines)


def _generator():
    import torch

    return torch.Generator().manual_seed(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=PARTS, action="append", help="repeatable; all parts if left out")
    parser.add_argument("--qubits", type=int, default=16)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--numbers", type=int, default=1_000_000)
    parser.add_argument("--seeds", type=int, default=5, help="trainings of `samplers`")
    parser.add_argument("--data", default="digits")
    parser.add_argument("--spectrum", default="fashion-mnist-mini", help="whose spectrum `schedules` takes")
    parser.add_argument("--train-steps", type=int, default=4000)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--extractor", default="pixel")
    parser.add_argument("--out", type=Path, default=Path("runs/diffusion.json"))
    options = parser.parse_args()
    limit_threads(options.threads)
    parts = options.only or PARTS
    record = {"threads": options.threads, "processor": processor()}
    if "steps" in parts:
        seconds = step_times(options)
        print(f"\n{options.qubits} qubits, batch {options.batch}\n")
        print("| bottleneck | seconds a step | over plain |\n|---|---|---|")
        for arm, each in seconds.items():
            print(f"| {arm} | {each:.3f} | {each / seconds['plain']:.2f} |")
        record["steps"] = seconds
    if "images" in parts:
        record["images"] = image_times(options)
        print("\n| sampler | seconds for 64 images |\n|---|---|")
        for name, each in record["images"].items():
            print(f"| {name} | {each:.1f} |")
    if "noise" in parts:
        reports = noise_reports(options)
        record["noise"] = {name: report.to_dict() for name, report in reports.items()}
        for report in reports.values():
            print(f"\n{report.table()}\n{report.seconds:.2f} s for {report.num_vectors * report.dim:,} numbers")
    if "schedules" in parts:
        record["schedules"] = schedule_errors(options)
        head = " | ".join(["schedule", "sampler", *(f"{number} steps" for number in CALLS)])
        print(f"\n| {head} |\n|{'---|' * (len(CALLS) + 2)}")
        for name, each in record["schedules"].items():
            print(f"| {name.replace(', ', ' | ')} | " + " | ".join(f"{error:.4f}" for error in each) + " |")
    if "samplers" in parts:
        record["samplers"] = sampler_distances(options)
        print(f"\n{sampler_table(record['samplers'])}")
    record["versions"] = versions("qiskit_qgen", "qiskit", "torch", "numba")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
