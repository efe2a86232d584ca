"""What scripts/demo and scripts/bench share: a local cloud, an agent beside it, and who has a port. The standard library alone."""
