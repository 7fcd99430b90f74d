#!/bin/sh
# properties = {properties}
# What the queue runs for each job of Snakemake; status.sh finds the exit status. The warning before a
# time limit, SIGUSR1, goes to every process of the job. A training writes its newest state and ends,
# also where the signal is ignored by those that start it.
trap '' USR1
ends=.snakemake/fairtrial/ends
mkdir -p $ends && rm -f $ends/$JOB_ID && find $ends -type f -mtime +30 -delete
( {exec_job} )
status=$?
echo $status > $ends/.$JOB_ID && mv $ends/.$JOB_ID $ends/$JOB_ID
exit $status
