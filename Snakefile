# The workflow is in workflow/; this file lets `snakemake` find it from the project's folder.
include: "workflow/Snakefile"


# What an included file says of the default target does not count.
workflow.default_target = "all"
