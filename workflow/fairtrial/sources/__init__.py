"""Where raw files come from: one module a kind.

Each has `Settings` (a closed model of its part of config/sources/<name>.yaml) and
`fetch(settings, name, folder, downloads)`, which fills the empty `folder` with the raw files
of the source `name`, or raises. What it fetches lies in `downloads`, and helps the next try.
To add a kind, add a module.
"""
