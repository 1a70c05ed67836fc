"""Trainers: how each one reads the rows of a file, and rows that it reads as they are meant."""

from collections.abc import Mapping

from syngain.data.layouts.trainers.axolotl import AXOLOTL
from syngain.data.layouts.trainers.distilabel import DISTILABEL
from syngain.data.layouts.trainers.forms import Form, TrainerFormat
from syngain.data.layouts.trainers.hugging_face import HUGGING_FACE
from syngain.data.layouts.trainers.llama_factory import LLAMA_FACTORY, LLAMA_FACTORY_ALPACA
from syngain.data.layouts.trainers.nemo import NEMO
from syngain.data.layouts.trainers.openai import OPENAI, OPENAI_PREFERENCE
from syngain.data.layouts.trainers.oumi import OUMI
from syngain.data.layouts.trainers.trl import COMPARED, GRPO, KTO, TRL
from syngain.data.layouts.trainers.unsloth import UNSLOTH

TRAINERS: Mapping[str, TrainerFormat] = {
    "trl": TRL,
    "llama_factory": LLAMA_FACTORY,
    "axolotl": AXOLOTL,
    "oumi": OUMI,
    "openai": OPENAI,
    "unsloth": UNSLOTH,
    "nemo": NEMO,
    "messages": HUGGING_FACE,
    "distilabel": DISTILABEL,
    "llama_factory_alpaca": LLAMA_FACTORY_ALPACA,
    "preference": COMPARED,
    "openai_preference": OPENAI_PREFERENCE,
    "kto": KTO,
    "prompts": GRPO,
}

__all__ = ["TRAINERS", "Form", "TrainerFormat"]
