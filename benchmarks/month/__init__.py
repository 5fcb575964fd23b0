"""A month of a town in virtual time: the real rules, handlers and store, and only the telephone network made up."""
