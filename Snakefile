# The workflow is in workflow/; this file lets `snakemake` find it from the project's folder. A job
# that runs in a Snakemake of its own takes the copy that its driver made (see common.smk).
import os

driver = workflow.is_main_process
folder = "" if driver else os.environ.get("FAIRTRIAL_SNAPSHOT", "")


include: os.path.join(folder, "workflow/Snakefile")


# What an included file says of the default target does not count.
workflow.default_target = "all"
