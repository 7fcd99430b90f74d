#!/usr/bin/env bash
# Snakemake runs this in the new environment of fairtrial.yaml, in the project folder.
set -euo pipefail
python -m pip install --require-hashes --requirement requirements.lock
sh workflow/envs/command.sh "$CONDA_PREFIX"
