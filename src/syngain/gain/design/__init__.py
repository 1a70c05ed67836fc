"""Design of a measurement: folds, lineage, overlap."""
