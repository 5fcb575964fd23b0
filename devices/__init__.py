"""Devices hear: everything between the broker and the door."""
