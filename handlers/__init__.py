"""Handlers react: inputs go through one door, deadlines and effects are worked off behind it."""
