"""Measurements; run by `make bench`. They print ratios against a floor taken in the same run."""
