"""Load a configuration of NeMo Automodel with its own loader, build its dataset, print what its first row trains.

python benchmarks/trainer_judges/nemo_configuration.py nemo.yaml
"""

from __future__ import annotations

import sys


def main() -> None:
    """Print the tokens of the first row that are in the loss."""
    from nemo_automodel.components.config.loader import load_yaml_config
    from transformers import AutoTokenizer

    configuration = load_yaml_config(sys.argv[1])
    tokenizer = AutoTokenizer.from_pretrained(configuration.model.pretrained_model_name_or_path)
    row = configuration.dataset.instantiate(tokenizer=tokenizer)[0]
    print(repr(tokenizer.decode([label for label in row["labels"] if label != -100])))


if __name__ == "__main__":
    main()
