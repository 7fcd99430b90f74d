# Purpose: the plan of the experiment, and what all jobs share.
# Reads params.yaml and config/; the package is where package.smk found it.
import gc
import os
import sys
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

from snakemake.exceptions import WorkflowError

# The plan's objects are never freed: with the default threshold the garbage collector took a
# quarter of the time.
gc.set_threshold(100_000, 50, 100)
# The driver plans with a copy of code and settings, and so do its jobs: see the module. Jobs get
# its path by the environment, wherever they run.
snapshot = SimpleNamespace(**run_path(str(package / "files/snapshot.py")))
if workflow.is_main_process:
    os.environ[snapshot.VARIABLE] = str(snapshot.take(Path.cwd(), package))


if not workflow.is_main_process and (problem := snapshot.problem(snapshot.root())):
    raise WorkflowError(f"{problem}; start the workflow again")
sys.path.insert(0, str(snapshot.root() / "workflow"))

from fairtrial import FairtrialError
from fairtrial.display.ending import ending, say_ending
from fairtrial.display.messages import shorten_messages
from fairtrial.lineage import expected
from fairtrial.planning.command_line import refuse_config, refuse_place, refuse_until
from fairtrial.planning.committed import departures
from fairtrial.planning.departed import clear_departed
from fairtrial.planning.drivers import outlive_dead_drivers
from fairtrial.planning.finished import (
    ExpectedFile,
    missing_files,
    refuse_unseen_changes,
)
from fairtrial.planning.gpu_jobs import share_gpus
from fairtrial.planning.housekeeping import settings_argument, unshare_records
from fairtrial.planning.imported import also_call, refuse_other_names
from fairtrial.planning.offers import offer_trainings
from fairtrial.planning.plan import Plan
from fairtrial.planning.slurm_batches import share_submissions
from fairtrial.planning.slurm_outages import survive_outages
from fairtrial.training import commits
from fairtrial.training.needed import note_use

if workflow.is_main_process:
    os.environ[commits.VARIABLE] = commits.present().model_dump_json()


# Jobs use the Python and the command `fairtrial` of the environment that runs Snakemake, unless
# Snakemake makes one (--sdm conda). The command runs the code of the snapshot.
path = (
    ""
    if workflow.deployment_settings.deployment_method
    else f"{Path(sys.executable).parent}:"
)
shell.prefix(
    "set -euo pipefail; export PATH={path:q}$PATH MPLCONFIGDIR=store/matplotlib; "
)

try:
    refuse_other_names(workflow.modifier)
    if workflow.is_main_process:
        configfiles = [] if is_imported else workflow.config_settings.configfiles
        refuse_config(config, configfiles)
        refuse_place(Path.cwd())
    PLAN = Plan.read(config.get("experiment"))
    PLAN.sources
    if workflow.is_main_process:
        EXPECTED = ExpectedFile(PLAN)
        refuse_unseen_changes(PLAN, EXPECTED.jobs)
        os.environ[expected.VARIABLE] = str(EXPECTED.path)
except FairtrialError as error:
    raise WorkflowError(str(error)) from None

messages = None
if workflow.is_main_process:
    messages = shorten_messages(
        workflow.output_settings,
        log_files=lambda: workflow.logger_manager.get_logfile(),
        at_rest=lambda: say_ending(PLAN.chosen.name, workflow.dag_settings.targets),
    )
    unshare_records()
    outlive_dead_drivers()
    survive_outages()
    share_submissions()
    offer_trainings(workflow)
    for departure in departures():
        print(f"params.yaml: {departure}", file=sys.stderr)


envvars:
    snapshot.VARIABLE,
    commits.VARIABLE,
    expected.VARIABLE,


wildcard_constraints:
    source="[A-Za-z0-9._-]+",
    dataset="[A-Za-z0-9._-]+",
    experiment="[A-Za-z0-9._-]+",
    run="[A-Za-z0-9._=+-]+",
    choice="[A-Za-z0-9._=+@-]+",
    study="[A-Za-z0-9._-]+",
    worker="[0-9]+",
