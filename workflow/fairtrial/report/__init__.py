"""The report: what is better, by how much, and whether that is more than noise.

`content` turns the results of an experiment into plain data, `template/` lays it out. Each section
of the PDF is a file in template/sections; they are printed in the order of their names.
"""
