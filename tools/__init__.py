"""What developers run: generated files, vendored libraries."""
