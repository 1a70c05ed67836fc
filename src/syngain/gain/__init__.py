"""What a synthetic set does to a learner: controls, forecast, learning curve, rows worth, utility."""
