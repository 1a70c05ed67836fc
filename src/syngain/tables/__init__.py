"""Tables: rules among columns, and models that generate rows."""
