"""Figures for supervisors and auditors. Pure: everything recomputes from the log."""
