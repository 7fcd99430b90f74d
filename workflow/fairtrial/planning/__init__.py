"""What has to be done: params.yaml and config/, read and resolved before any job. Jobs never
import this folder; they get resolved settings.

config_files    params.yaml and config/, each file as its model of settings/
committed       params.yaml as it is in git
sources         config/sources/: where images come from, and their format
configurations  the configurations that an experiment lists, sweeps or multiplies
planned_run     a run: its name, its data, and every setting
runs            each run with all of its settings
unused_settings  settings of params.yaml that no run uses, or that it lacks
fonts           the font files that params.yaml names
idle_settings   settings that are set and cannot act
elsewhere       runs whose predictions were made elsewhere
probes          what weights predict beside val and test
studies         the studies that an experiment's `search:` asks for
references      references to results of others, as experiments write them
origins         what they may refer to, and what was chosen
fingerprint     a hash of what the code does that a job's result depends on
gpu_jobs        how many jobs Snakemake starts on this machine's GPUs
known_code      the fingerprints that were found before, of exactly this code
slurm_outages   Snakemake keeps its jobs while SLURM does not answer
slurm_batches   the scores of many runs in few SLURM jobs
code_text       the text of a definition, of which the fingerprint is a hash
definitions     what each module of the package defines, and what its names stand for
scopes          which names a piece of code binds, and where
experiment      one experiment, resolved
named           the experiments that a plan names, and those on which they rest
jobs            a function for each stage: the settings of a job, and the code that it calls
plan            all of it: the jobs, their settings and their code
drivers         who drives the workflow here; locks of dead drivers
offers          trainings that a driver offers to other machines
job_names       the jobs of an experiment, and the files that they leave
accepted        edits of code that a person has accepted as changing no result
finished        what earlier calls have finished, against the plan
store_copies    whether the store still has what results were copied from
departed        runs that have left their experiment leave results/
command_line    options of Snakemake that are refused, since they would be ignored
imported        the rules in somebody else's Snakefile, which imports them by `module:`
housekeeping    what the Snakefile does before its jobs and after them
schemas         JSON schemas of params.yaml and config/, for editors
"""
