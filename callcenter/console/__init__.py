"""The operators' window: pages, JSON API and live feed."""
