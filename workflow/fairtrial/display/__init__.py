"""What a person sees while Snakemake works, and when it ends.

board       which jobs have begun, ended and failed, by stage
trainings   a line for each training and search that runs, from its progress file
failures    what a failed job said
terminal    the board on a terminal
lines       the board as plain lines in a log
messages    turns Snakemake's own messages into these
ending      the answer of the experiment, and where its report is
"""
