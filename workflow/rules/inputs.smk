# Purpose: the functions by which the rules know their inputs and settings.
# Reads the plan that common.smk made.


def planned(wildcards):
    """The experiment of a job."""
    return PLAN.experiments[wildcards.experiment]


def settings(stage, name="", experiment=""):
    """A job's settings as an argument: JSON, or `@` and the name of a file with it if it is long."""
    return settings_argument(PLAN.settings(stage, name, experiment))


def per_run(pattern):
    """A pattern for every run of the experiment. A list is planned faster than a function."""
    if len(PLAN.experiments) == 1:
        return expand(pattern, run=list(PLAN.chosen.runs), allow_missing=True)
    return lambda w: expand(pattern, run=list(planned(w).runs), **w)


def per_trained(pattern):
    """The same for every run that was trained here."""
    if len(PLAN.experiments) == 1:
        return expand(pattern, run=PLAN.chosen.trained_here, allow_missing=True)
    return lambda w: expand(pattern, run=planned(w).trained_here, **w)


def listed(wildcards):
    """The manifest of a source as an input of `download`, with which every plan begins: a place to
    look at options that Snakemake does not know yet when it reads this file."""
    options = workflow.dag_settings
    try:
        refuse_until(options.until, options.omit_from)
    except FairtrialError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(
            1
        )  # of an exception Snakemake would print the traceback of this function
    return PLAN.sources[wildcards.source].listed


def of_chosen(pattern):
    """A pattern for every run of the chosen experiment."""
    return expand(pattern, experiment=PLAN.chosen.name, run=list(PLAN.chosen.runs))


def trained_of_chosen(pattern):
    """The same for every run of it that is trained."""
    return expand(pattern, experiment=PLAN.chosen.name, run=PLAN.chosen.trained_here)


def dataset_file(name):
    """A file of the data set of a run or study; known when the checkpoint `split` has run."""
    return lambda w: checkpoints.split.get(
        dataset=planned(w).trained[w.get("run") or w.study].dataset
    ).output[name]


def trial_file(wildcards):
    """The file with the settings that a search gives this run; nothing for other runs.

    predict and validate need it as an input, too: after a checkpoint, Snakemake decides again only
    about jobs whose inputs depend on it.
    """
    trial = planned(wildcards).runs[wildcards.run].from_search
    if trial is None:
        return []
    study = checkpoints.study.get(experiment=wildcards.experiment, study=trial.study)
    return f"{study.output.choices}/{trial.file}"


def worker_files(wildcards):
    """The files that the workers of a study write when they are done."""
    numbers = planned(wildcards).studies[wildcards.study].workers
    pattern = "results/{experiment}/search/{study}/workers/{worker}.json"
    return expand(pattern, worker=numbers, **wildcards)


def study_files(wildcards):
    """The results of every study of the experiment.

    By path, not by `checkpoints.study.get`: with it a dry run would list only the first study, and
    the studies would run one after another.
    """
    names = ("trials.csv", "best.yaml", "summary.json", "timings.json")
    pattern = "results/{experiment}/search/{study}/{name}"
    return expand(
        pattern, study=list(planned(wildcards).studies), name=names, **wildcards
    )


def dataset_files(wildcards):
    """The two files of every data set of the experiment."""
    datasets = planned(wildcards).datasets
    outputs = [checkpoints.split.get(dataset=name).output for name in datasets]
    return [str(file) for output in outputs for file in output]
