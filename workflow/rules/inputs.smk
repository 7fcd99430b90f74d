# Purpose: the functions by which the rules know their inputs and settings.
# Reads the plan that common.smk made.


def planned(wildcards):
    """The experiment of a job."""
    return PLAN.experiments[wildcards.experiment]


def current(wildcards):
    """The same, with what is chosen for it."""
    start_files(wildcards), weights_files(wildcards)
    return PLAN.current(wildcards.experiment)


def settings(stage, name="", experiment=""):
    """A job's settings as an argument: JSON, or `@` and the name of a file with it if it is long.
    Where they depend on a choice, Snakemake asks again once that is made."""
    wanted = PLAN.begins_with(stage, name, experiment).all
    if [choice_file(reference, "start") for reference in wanted]:
        if PLAN.awaits(stage, name, experiment):
            fail(f"{wanted[0].start}: is not one of the results in the plan")
        if workflow.is_main_process:
            EXPECTED.renew()
    return settings_argument(PLAN.settings(stage, name, experiment))


def per_run(pattern):
    """A pattern for every run of the experiment. A list is planned faster than a function."""
    if len(PLAN.experiments) == 1:
        return expand(pattern, run=list(PLAN.chosen.runs), allow_missing=True)
    return lambda w: expand(pattern, run=list(planned(w).runs), **w)


def of_run(find, plan=planned):
    """What `find` says of an experiment and one of its runs. Where that is the same for every run,
    it is no function: Snakemake plans what is written down faster than what it has to call. (The
    process of a job on a cluster asks for its own run alone.)

    plan: `current` where it depends on what is chosen.
    """
    found = PLAN.same_of_runs(find) if workflow.is_main_process else None
    return (lambda w: find(plan(w), w.run)) if found is None else found


def tables_per_run(*names):
    """Some tables of every run of the experiment."""
    return per_run(
        [f"results/{{experiment}}/runs/{{run}}/{name}.csv" for name in names]
    )


def per_trained(pattern):
    """The same for every run that was trained here."""
    if len(PLAN.experiments) == 1:
        return expand(pattern, run=PLAN.chosen.trained_here, allow_missing=True)
    return lambda w: expand(pattern, run=planned(w).trained_here, **w)


def probe_files(*suffixes):
    """The files of every probe of the experiment: a list, as with `per_run`."""
    return lambda w: [
        f"results/{w.experiment}/probes/{probe}{suffix}"
        for probe in planned(w).probes
        for suffix in suffixes
    ]


def batch_files(wildcards):
    """The first batches of the experiment that are shown."""
    names = planned(wildcards).batches
    return expand("results/{experiment}/batches/{run}.json", run=names, **wildcards)


def shareable_report(file, **marks):
    """A file with pictures in `snakemake --report`; left out there where they may not be handed on."""
    return report(file, **marks) if PLAN.shares_pictures else file


def listed(wildcards):
    """The manifest of a source as an input of `download`, with which every plan begins: a place to
    look at options that Snakemake does not know yet when it reads this file."""
    options = workflow.dag_settings
    try:
        refuse_until(options.until, options.omit_from)
    except FairtrialError as error:
        fail(error)
    return PLAN.sources[wildcards.source].listed


def source_of(dataset):
    """The source of a data set of the plan."""
    if dataset not in PLAN.datasets:
        fail(
            f"data set {dataset}: experiment {PLAN.chosen.name} has {', '.join(PLAN.datasets)}; "
            "`--config experiment=…` chooses an experiment that has it"
        )
    return PLAN.datasets[dataset].source


def fail(error):
    """End with a message. Of an exception Snakemake would print the traceback of the function."""
    print(f"Error: {error}", file=sys.stderr)
    sys.exit(1)


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


def study_files(wildcards):
    """The results of every study of the experiment.

    By path, not by a checkpoint: with one a dry run would list only the first study, and
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
