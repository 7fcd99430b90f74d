"""How anything is read and written: whole or not at all, and never outside its folder.

folders     files and folders that are whole or absent; checks of relative paths; a folder's lock
jsonfile    JSON of any size, in one form
modelfile   the JSON files of fairtrial as typed models, with errors that name file and key
csvfile     tables as CSV that are safe in a spreadsheet
yamlfile    YAML files as closed models, whose errors name file, key and nearest valid name
packed      many small images in one file
memory      the most memory that this process has held
disk        which folders are full
nvml        the machine's GPUs as their driver knows them: memory, processes, energy
checksums   SHA-256 of files, and manifests of them
snapshot    a copy of code and settings, with which a driver and its jobs work
first_files  what a project lacks when Snakemake works in its folder for the first time
text        durations and counts as text
progress    how far a long piece of work is
logs        the end of a job's log
threads     one function on many items in parallel, results in order
"""
