"""The report: what is better, by how much, and whether that is more than noise.

`content` turns a Trial into plain data, `template/` lays it out: a section of the PDF is one
file in template/sections, taken in the order of their names.
"""
