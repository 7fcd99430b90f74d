"""Hyperparameter search with Optuna.

space.py     the space as Optuna's distributions, and what of it is left to try
engines.py   which parameters come next, and which trials are given up early
journal.py   what is on disk: Optuna's journal, and who works on which trial
worker.py    one worker: trial after trial, trained through the store
progress.py  how far a study has come, for `status`
summary.py   what the trials of a study showed
"""
