"""Generate: run recipes, probe endpoints, information accounting, conversion."""
