"""Where raw files come from: one module a kind.

Each has `Settings` (a closed model of its part of config/sources/<name>.yaml),
`fetch(settings, name, folder, downloads)`, which fills the empty `folder` with the raw files
of the source `name`, or raises, and `needs(settings)`, which says beforehand what that takes.
What is fetched stays in `downloads` for the next call. To add a kind, add a module. A leading
underscore marks a module that serves others:

_choice     local paths; which files are taken: by a manifest or by patterns
_fetching   the files of a source in `downloads`: mirror, checks, list of what is missing
_needs      what a source needs before its download
_progress   the progress bar of a download
_transfer   transfers from servers, resumed and retried
_unpacking  zip and tar archives
"""
