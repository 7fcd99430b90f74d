"""What users can set, and the settings of each stage: closed, frozen models.

params      the sections of params.yaml
experiment  config/experiments/<name>.yaml: the runs that answer a question
grid        its combinations of values
factors     its dimensions, as figures and report get them
probes      what weights predict beside val and test
elsewhere   its runs whose predictions were made elsewhere
search      its hyperparameter search
dataset     config/datasets/<name>.yaml: a view of a source, and how it is split
split_rule  its keys `split` and `balance`
group_names  what the groups of a source are called
run_name    the names of runs and folds, written and read
choice      references to the results of other experiments, and what was chosen
stages      the settings of each stage, made of these
study       those of the stages of a search, and of the choice of what others begin with
"""
