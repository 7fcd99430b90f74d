"""What a person calls by hand: one module a subcommand, named as its function."""
