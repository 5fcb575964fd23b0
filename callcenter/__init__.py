"""The centre: where people act."""
