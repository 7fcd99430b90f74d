"""One training, whatever the backend: its settings, record, checkpoints and progress.

settings         the settings that every backend has
effects          when a setting acts, as a backend declares it
schedules        how the rate of our own loops falls over the epochs
contract         the types that the functions of a backend take and return
cached_training  a finished training from the store, or one that is trained now
inputs           what a training reads, by content: part of its key in the store
needed           the entries of the store that results were made from
attempts         attempts.json: which processes worked on an unfinished training
record           record.json: the typed record of a finished training, and of a run
resumable        the base of our own training loops
lr_range         one short training whose rate rises
first_batch      batches/<run>.json: the first batch, as the network got it
batches          several images predicted at once, as far as none depends on the others
speed            speed.json: the time of one image
measuring        time, memory and energy of an image, several at once
batch_trial      whether some steps at one batch fit into memory, in a process of its own
out_of_memory    too little memory, told in one sentence with what helps
checkpoint       the files of an unfinished training, from which it is resumed
saving           writes them while the training goes on, at a bounded cost
progress         how far an unfinished training is, for `status`
provenance       versions, hardware and SLURM job of a training
commits          the git commit that a training was made from
audit            the settings of the configuration beside those that a backend used
unpickling       files of torch opened without running what is in them
digest           the SHA-256 of the tensors in weights.pt
"""
