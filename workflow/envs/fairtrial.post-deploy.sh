#!/usr/bin/env bash
# Snakemake runs this in the new environment of fairtrial.yaml. The driver's copy of the code has the
# lock and the command, whichever way the workflow came here.
set -euo pipefail
cd "$FAIRTRIAL_SNAPSHOT"
python -m pip install --require-hashes --requirement requirements.lock
sh workflow/envs/command.sh "$CONDA_PREFIX"
