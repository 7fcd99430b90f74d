"""What every result was made of, and whether it still is that.

made     the record that each job leaves: its settings, its code, and the SHA-256 of its files
making   runs a stage, and writes its record as the last act
alive    whether a stage works at this moment
expected what the plan of a driver wants of each job, in a file that its jobs read
outputs  the files that each stage writes
inputs   whether what a job reads is what another job wrote
guard    what is wrong with recorded results: other settings or code, changed or missing files
"""
