"""Hyperparameter search with Optuna.

space.py        the space as Optuna's distributions, and parameters that no trial has had
engines.py      which parameters come next
mutation.py     the rule by which Ultralytics' `tune` draws them
pruning.py      which trials are given up early
journal.py      a study in the store: Optuna's journal, and a lock for each trial that is trained
worker.py       one worker: trains trial after trial through the store
objectives.py   several objectives: what trials are worth by each, and their front
costs.py        what the model of a trial costs: its size, and the time that an image takes
first_trials.py  trials of another study with which one begins
progress.py     how far a study is, for `status`
summary.py      the results of a study's trials: the best one, a table, importance
study_files.py  the files of a study under results/ as typed models
"""
