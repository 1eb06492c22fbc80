"""Keeps the trainings of a capacity study in one file, and puts them back to judge them again or to go on.

    python -m benchmarks.capacity_records keep runs/capacity benchmarks/capacity/records.json
    python -m benchmarks.capacity_records restore benchmarks/capacity/records.json runs/capacity
    qgen study capacity benchmarks/capacity.toml --out runs/capacity --workers 2

Trainings are put back as today's settings write them down, options that have joined with their defaults, so that the
study's command knows them. The latents that they left are not kept: of the optimal pairs of sizes they are made again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from qiskit_qgen.studies import AutoencoderSettings, CapacityTraining, trial_digest
from qiskit_qgen.studies.trials.folder import AUTOENCODERS, TRIAL, trial_folder


def keep(folder, file):
    """Write the records of all trainings that have ended in ``folder``, and the autoencoder's configuration."""
    (autoencoder,) = (json.loads(path.read_text()) for path in (folder / AUTOENCODERS).glob(f"trials/*/{TRIAL}"))
    records = [json.loads(path.read_text()) for path in sorted(folder.glob(f"trials/*/{TRIAL}"))]
    lines = ",\n".join(json.dumps(record, separators=(",", ":")) for record in records)
    head = json.dumps(autoencoder["configuration"])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'{{"autoencoder": {head},\n"records": [\n{lines}\n]}}\n')
    print(f"{len(records)} trainings kept")


def restore(file, folder):
    """Write the records into the folders of their trials."""
    content = json.loads(file.read_text())
    codec = content["autoencoder"]
    codec["autoencoder"] = AutoencoderSettings.of(**codec["autoencoder"]).to_dict()
    for record in content["records"]:
        training = CapacityTraining.of(**record["configuration"]["training"]).to_dict()
        del training["extractors"]  # which no trial depends on
        configuration = {**record["configuration"], "autoencoder": trial_digest(codec), "training": training}
        digest = trial_digest(configuration)
        place = trial_folder(folder, digest)
        place.mkdir(parents=True, exist_ok=True)
        (place / TRIAL).write_text(json.dumps({**record, "digest": digest, "configuration": configuration}))
    print(f"{len(content['records'])} trainings restored")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("keep", "restore"))
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    {"keep": keep, "restore": restore}[options.what](options.source, options.target)


if __name__ == "__main__":
    main()
