"""Generators of text with log-probabilities: toy, servers, local models."""

from syngain.generators.protocol import Call, Capabilities, Generator, Reply, Sampling, Scored
from syngain.generators.toy import MarkovText, TextSample
from syngain.generators.toy_speaker import ToyGenerator

__all__ = [
    "Call",
    "Capabilities",
    "Generator",
    "MarkovText",
    "Reply",
    "Sampling",
    "Scored",
    "TextSample",
    "ToyGenerator",
]
