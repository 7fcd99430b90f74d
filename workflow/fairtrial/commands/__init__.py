"""Subcommands that a person calls: a module for each, named as its function.

Modules that begin with an underscore serve them: _data_checks, _machine_checks, _slurm_checks,
_profile and _findings `doctor`; _run_states, _study_states, _slurm_queue and
_stage_states `status`; _working `start`, `stop` and `status`; _background `start` and `join`;
_revisions `compare`; _frames `detect`; _recomputed `verify`.
"""
