"""What finished runs left, put together: the numbers behind every figure and page.

run            one run's files
dataset        the data set behind it
configuration  runs that differ in their seed alone
experiment     all runs of an experiment, and which is best
significance   by how much two configurations differ, and whether that is more than noise
sweeps         one parameter against the figures
costs          size and time against accuracy
study          what a search left
manifest       figures.json, which lists the figures of the report
"""
