"""A year of a town in virtual time, without a database: the centre's handlers and rules over memory, faults by seed."""
