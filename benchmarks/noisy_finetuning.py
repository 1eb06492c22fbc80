"""Does training on a noisy execution make a model better there?

    python -m benchmarks.noisy_finetuning

A small StyleQGAN for tables is trained on the exact simulator, then goes on for some steps, from the same weights, in
three ways: on the noisy execution with exact gradients of the noisy circuit, there with shots and SPSA as on a device,
and on the simulator as before, which tells more training from training on noise. All of them, and the model as it was,
are sampled on the noisy execution and scored against rows that no training saw. Seeds pair the arms, so that the
differences between them have intervals: Student's t, over the seeds.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.measuring import limit_threads, processor, versions

ARMS = ("as it was", "on, simulator", "on, noisy", "on, noisy, SPSA and shots")
SCORE = "frechet_distance"


def table(num_rows, seed):
    """Return rows of three dependent columns, two of them skewed."""
    import numpy as np
    import torch

    random = np.random.default_rng(seed)
    mixing = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [-0.4, 0.5, 0.77]])
    normal = random.normal(size=(num_rows, 3)) @ mixing.T
    columns = [normal[:, 0], np.exp(0.5 * normal[:, 1]), np.log1p(np.exp(normal[:, 2]))]
    return torch.from_numpy(np.stack(columns, 1).astype(np.float32))


def noise(scale):
    from qiskit_qgen.execution import amplitude_damping_noise, depolarizing_noise, readout_noise

    return (
        depolarizing_noise(one_qubit=1e-3 * scale, two_qubit=1e-2 * scale)
        + amplitude_damping_noise(one_qubit=1e-3 * scale, two_qubit=5e-3 * scale)
        + readout_noise(zero_to_one=0.01 * scale, one_to_zero=0.03 * scale)
    )


def run_seed(seed, options):
    """Return the scores of all arms for one seed."""
    limit_threads(1)
    from qiskit_qgen import LocalExecution, StyleQGAN
    from qiskit_qgen.execution import AerExecution
    from qiskit_qgen.metrics import evaluate_features
    from qiskit_qgen.models import QuantumGeneratorConfig, StyleQGANTraining

    train, test = table(2000, 1000 + seed), table(options.num_samples, 2000 + seed)
    noisy = AerExecution(noise_model=noise(options.noise), threads=1)
    device = AerExecution(noise_model=noise(options.noise), shots=options.shots, gradient="spsa", seed=seed, threads=1)
    where = dict(zip(ARMS[1:], (LocalExecution(), noisy, device), strict=True))

    def score(model, execution):
        return evaluate_features(
            model.sample(options.num_samples, seed=7, execution=execution), test, seed=0, floors=False
        )[SCORE]

    circuit = QuantumGeneratorConfig(num_qubits=3, num_layers=options.layers, observables="Z")
    base = StyleQGAN(image_shape=None, num_features=3, generator=circuit, critic_width=64)
    training = StyleQGANTraining(
        batch_size=64, n_critic=2, replay=0, generator_batch_size=16, generator_learning_rate=options.rate
    )
    base.fit(train, steps=options.steps, training=training, seed=seed, callbacks=[])
    found = {"simulator": score(base, None), "noisy": {ARMS[0]: score(base, noisy)}, "back": {}, "seconds": {}}
    for name, execution in where.items():
        model, start = copy.deepcopy(base), time.perf_counter()
        model.fit(
            train, steps=options.more, training=training, seed=100 + seed, execution=execution, callbacks=[],
            warm_start=True,
        )  # fmt: skip
        found["seconds"][name] = time.perf_counter() - start
        found["noisy"][name] = score(model, noisy)
        found["back"][name] = score(model, None)
    real = evaluate_features(table(options.num_samples, 3000 + seed), test, seed=0, floors=False)[SCORE]
    return {"seed": seed, "real against real": real} | found


def summary(results):
    """Return each arm's score and its paired difference from the model as it was and from more plain training."""
    from qiskit_qgen.studies.intervals import mean_interval

    scores = {arm: [result["noisy"][arm] for result in results] for arm in ARMS}
    rows = []
    for arm, values in scores.items():
        row = {"arm": arm, "score": mean_interval(values)}
        for other in ARMS[:2]:
            if arm != other and arm != ARMS[0]:
                differences = [value - base for value, base in zip(values, scores[other], strict=True)]
                row[f"minus {other!r}"] = mean_interval(differences)
        if arm != ARMS[0]:
            row["noiseless"] = mean_interval([result["back"][arm] for result in results])
        else:
            row["noiseless"] = mean_interval([result["simulator"] for result in results])
        rows.append(row)
    return rows


def text(interval):
    if interval is None:
        return "-"
    return f"{interval['mean']:.4g} [{interval['low']:.4g}, {interval['high']:.4g}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=6, help="number of seeds, at least 2")
    parser.add_argument("--steps", type=int, default=1500, help="steps on the simulator")
    parser.add_argument("--more", type=int, default=200, help="steps afterwards, in each way")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--rate", type=float, default=5e-3, help="the generator's learning rate")
    parser.add_argument("--noise", type=float, default=2.0, help="multiplies all error rates")
    parser.add_argument("--shots", type=int, default=1024)
    parser.add_argument("--num-samples", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/noisy-finetuning.json"))
    options = parser.parse_args()
    with ProcessPoolExecutor(options.processes) as pool:
        futures = [pool.submit(run_seed, seed, options) for seed in range(options.seeds)]
        results = []
        for future in futures:
            results.append(future.result())
            print(json.dumps(results[-1]), flush=True)
    rows = summary(results)
    print("\n| sampled on the noisy execution | Fréchet distance | minus as it was | minus more training | noiseless |")
    print("|---|---|---|---|---|")
    for row in rows:
        differences = [text(row.get(f"minus {other!r}")) for other in ARMS[:2]]
        print(f"| {row['arm']} | {text(row['score'])} | {' | '.join(differences)} | {text(row['noiseless'])} |")
    real = sum(result["real against real"] for result in results) / len(results)
    print(f"\nMean [95 % interval] over {len(results)} seeds; real against real: {real:.4g}; {processor()}")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    record = {"options": {name: str(value) for name, value in vars(options).items()}, "rows": rows, "results": results}
    record["versions"] = versions("qiskit_qgen", "qiskit", "qiskit_aer", "torch")
    options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
