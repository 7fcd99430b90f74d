"""Finished runs put together: the numbers behind every figure and page of the report.

run            the files of one run
dataset        the data set of a run
configuration  runs that differ in their seed alone
experiment     all runs of an experiment, and which is best
significance   by how much two configurations differ, and whether that is more than noise
sweeps         one setting against the metrics
costs          size and time against the metric that ranks
study          the files of a hyperparameter search
manifest       figures.json: the figures that were drawn
"""
