"""Where raw files come from: one module a kind.

Each has `Settings` (a closed model of its part of config/sources/<name>.yaml),
`fetch(settings, name, folder, downloads)`, which fills the empty `folder` with the raw files
of the source `name`, or raises, and `needs(settings)`, which says beforehand what that takes.
What is fetched lies in `downloads`, and helps the next try. To add a kind, add a module.
"""
