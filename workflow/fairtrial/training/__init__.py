"""One training, whatever the framework: what is kept, who works on it, what it came from.

settings         the settings that every backend has
cached_training  a finished training from the store, or one that is trained here
checkpoint       the state after an epoch, from which an interrupted training goes on
progress         how far a training has come, for `status`
provenance       versions, hardware, commit: where a result comes from
audit            the settings asked for beside those that were used
digest           the SHA-256 of the tensors in weights.pt
"""
