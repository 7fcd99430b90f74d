from snakemake.utils import min_version

min_version("9.27")


# In running order: data (download, convert, split), search (search, study), runs (train, predict, validate),
# results (plot, report). What to run is chosen in params.yaml, where in profiles/.
include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/runs.smk"
include: "workflow/rules/results.smk"


localrules:
    all,
    download,
    report,


rule all:
    """The report of the chosen experiment, and the tables that DVC reads."""
    default_target: True
    input:
        expand("results/{experiment}/report.pdf", experiment=PLAN.chosen.name),


onsuccess:
    print(reminder(PLAN.chosen.name))
