"""Tables: rules among columns, and generators of rows."""
