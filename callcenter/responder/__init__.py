"""The page of somebody who was asked to go: opened by a link, before a yes and after it (docs/adr/0016)."""
