#!/bin/sh
# Says of a job whether it is running (or waiting), whether it was a success, or failed.
if ! jobs=$(qstat -u "$(id -un)"); then
    echo running # an engine that does not answer says nothing of the job
    exit
fi
case $(echo "$jobs" | awk -v job="$1" '$1 == job { print $5 }') in
*E*) # could not be started, and stays in the queue
    qdel "$1" >/dev/null
    echo failed
    exit
    ;;
?*)
    echo running
    exit
    ;;
esac
end=.snakemake/fairtrial/ends/$1 # by jobscript.sh; none where the job was killed
for seconds in 0 1 2 4 8; do # a shared disk may show it late
    sleep $seconds
    [ -s "$end" ] && break
done
if [ "$(cat "$end" 2>/dev/null)" = 0 ]; then echo success; else echo failed; fi
