# Purpose: the functions by which the rules know what begins with a choice, and what it and a study are made from.
# Reads the plan that common.smk made.


def choice_file(reference, name):
    """A file of a choice; known when the checkpoint `choose` has run."""
    wildcards = {"experiment": reference.experiment, "choice": reference.choice}
    return checkpoints.choose.get(**wildcards).output[name]


def choice_files(*names):
    """Files of all choices with which runs of an experiment begin.

    plot and report read other files, or none; they need these as inputs, so that Snakemake decides
    again about them when a choice is made.
    """

    def of_experiment(wildcards):
        references = planned(wildcards).references
        return [choice_file(r, name) for r in references for name in names]

    return of_experiment


def start_files(wildcards):
    """The files with the settings that others give this run, study or choice; none for most.

    predict and validate need them as inputs, too: after a checkpoint, Snakemake decides again only
    about jobs whose inputs depend on it.
    """
    start, trial, _ = origin(wildcards)
    return [
        choice_file(reference, "start") for reference in (start, trial) if reference
    ]


def where_chosen(files):
    """An input function of runs; none where nothing of the plan begins with another result."""
    return files if PLAN.begins_with_choices else []


def weights_files(wildcards):
    """The file that says with which weights of another experiment it begins; none for most."""
    weights = origin(wildcards).weights
    return [choice_file(weights, "weights")] if weights else []


def origin(wildcards):
    """What a run, a study or a choice begins with."""
    name = wildcards.get("run") or wildcards.get("study") or wildcards.choice
    stage = "choose" if wildcards.get("choice") else "train"
    return PLAN.begins_with(stage, name, wildcards.experiment)


def chosen_from(*files, single_too=False):
    """Files of the runs among which something is chosen; none for a trial, and of a single
    configuration those alone that say what it is."""

    def of_runs(wildcards):
        runs, is_choice = PLAN.chosen_from(wildcards.experiment, wildcards.choice)
        if not (is_choice or single_too):
            return []
        pattern = "results/{experiment}/runs/{run}/{file}"
        return expand(pattern, run=runs, file=files, experiment=wildcards.experiment)

    return of_runs


def chosen_from_sets(wildcards):
    """The data sets of the runs among which something is chosen."""
    runs, is_choice = PLAN.chosen_from(wildcards.experiment, wildcards.choice)
    return dataset_files(wildcards) if is_choice else []


def chosen_from_workers(wildcards):
    """What the workers of a study write, of whose trials one is chosen."""
    study = PLAN.study_of(wildcards.experiment, wildcards.choice)
    return worker_files_of(wildcards.experiment, study) if study else []


def worker_files(wildcards):
    """The files that the workers of a study write when they are done."""
    return worker_files_of(wildcards.experiment, wildcards.study)


def first_files(wildcards):
    """The same for the study whose trials come first in this one; none for most."""
    first = planned(wildcards).studies[wildcards.study].first
    return worker_files_of(first.experiment, first.name) if first else []


def worker_files_of(experiment, study):
    """The same for any study."""
    numbers = PLAN.experiments[experiment].studies[study].workers
    pattern = "results/{experiment}/search/{study}/workers/{worker}.json"
    return expand(pattern, experiment=experiment, study=study, worker=numbers)
