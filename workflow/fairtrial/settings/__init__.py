"""What people may set: closed, typed models of params.yaml and of the files in config/.

params      the sections of params.yaml
experiment  config/experiments/<name>.yaml: the runs that answer a question
grid        its combinations of values
search      its hyperparameter search
source      config/sources/<name>.yaml: where images come from
dataset     config/datasets/<name>.yaml: a view of a source, and how it is split
stages      what the jobs of each stage are told, as the planner resolves it
"""
