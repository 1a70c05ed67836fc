"""Words by language: how refusals begin, and function words."""
