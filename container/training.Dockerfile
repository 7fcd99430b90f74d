# A project's whole environment, as `make venv` installs it: trainings, reports, `dvc`. UNTRIED: its
# packages need gigabytes, and nobody has built it yet. From the project's folder:
#   docker build --file container/training.Dockerfile --tag fairtrial .
#   docker run --rm --gpus all --shm-size 8g --user "$(id -u):$(id -g)" --volume "$PWD:/project" fairtrial snakemake
# The project is mounted, not copied: data, results and the store stay outside.
ARG BASE=docker.io/library/python:3.11-bookworm

FROM ${BASE}
RUN apt-get update && apt-get install --yes --no-install-recommends git make \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /environment
COPY Makefile requirements.lock pyproject.toml ./
COPY locks locks
COPY workflow/fairtrial_command.py workflow/fairtrial_command.py
COPY workflow/envs workflow/envs
ARG EXTRAS=export,serve,video
RUN make venv EXTRAS=${EXTRAS} && rm -rf /root/.cache
ENV PATH=/environment/.venv/bin:$PATH HOME=/tmp
WORKDIR /project
CMD ["snakemake"]
