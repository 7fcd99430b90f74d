"""Where raw files come from: one module a kind.

Each has `Settings` (a closed model of its part of config/sources/<name>.yaml) and
`fetch(settings, name, folder, partial)`, which fills the empty `folder` with the raw files
of the source `name`, or raises; what may speed up the next try stays in `partial`.
To add a kind, add a module.
"""
