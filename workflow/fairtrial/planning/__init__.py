"""What is asked for: params.yaml and config/, checked and resolved before any job. Jobs never
import from here; they get plain values.

settings         params.yaml and an experiment's file as closed models
source_settings  config/sources/: where images come from, and their format
datasets         config/datasets/: which view of a source
grids, listed    the configurations that an experiment lists, sweeps or multiplies
runs             each run with all of its settings
searchspace      what `search:` says; studies are its searches, each with a budget
chosen           runs that take their settings from a search
fingerprint      which code a job's result depends on
plan             all of it: the jobs, their settings and their code
housekeeping     what the Snakefile does before its jobs and after them
"""
