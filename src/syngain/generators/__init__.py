"""Who can speak and say how probable its words were."""

from syngain.generators.toy import MarkovText, TextSample

__all__ = ["MarkovText", "TextSample"]
