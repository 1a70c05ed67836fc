"""The battery of synthetic-data value: does a predictor that sees anchors and synthetic rows tell the measured gain?

The chapters, in reading order: ``cases`` (who is asked about what), ``tasks`` (the built-in ones), ``families`` and
``outcomes`` (what really happened), ``predictors`` and ``neighbors`` (what was said beforehand), ``table`` (who was
right), ``page`` and ``figure`` (how it is shown), ``run`` (the command).
"""
