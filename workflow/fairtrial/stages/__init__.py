"""The stages of the workflow: one module, one function and one rule each, all of one name."""
