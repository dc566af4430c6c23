"""An experiment on the nodes of a Ray cluster, which need no disk in common."""
