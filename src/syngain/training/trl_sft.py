"""Adapter: TRL's supervised fine-tuning as a stepper.

TRL's trainer runs the loop, the optimizer, the clipping and the devices. Rows, their order and the loss come from
syngain: the tokens trained on are the tokens scored, and of a pair only the response counts. The steps are those of
:func:`syngain.learners.adapting.plain` (tested), so a variant of ``gain`` and a student of ``train`` are one
experiment.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from syngain.core.optional import require
from syngain.learners.causal import CLIP, WARM_UP
from syngain.learners.causal_scoring import memory_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from syngain.learners.adapting import OptimizerSteps, Stepper
    from syngain.learners.causal import CausalModel, Weigh
    from syngain.models.checkpoints import Library, Network, Tensor

EXTRA, PURPOSE = "train", "training a student"
IGNORED = -100  # the label of a token that does not count


def needed() -> None:
    """Find out whether TRL is here, before anything is read or spent.

    Raises:
        MissingDependencyError: trl or datasets is not installed.
    """
    for name in ("trl", "datasets"):
        require(name, extra=EXTRA, purpose=PURPOSE)


def supervised(model: CausalModel, planned: OptimizerSteps) -> None:
    """A ``Stepper``: ``trl.SFTTrainer`` on completion-only cross-entropy.

    Raises:
        MissingDependencyError: trl or datasets is not installed.
        UnfinishedError: not enough memory for a pass.
    """
    _train(model, planned, None)


def weighed(weigh: Callable[[int], Weigh]) -> Stepper:
    """The stepper with the loss ``weigh(step)``, see :meth:`CausalModel.slopes`."""

    def stepper(model: CausalModel, planned: OptimizerSteps) -> None:
        _train(model, planned, weigh)

    return stepper


def _train(model: CausalModel, planned: OptimizerSteps, weigh: Callable[[int], Weigh] | None) -> None:
    trl, torch, transformers, datasets = (
        require(name, extra=EXTRA, purpose=PURPOSE) for name in ("trl", "torch", "transformers", "datasets")
    )

    def loss(step: int) -> tuple[float, list[Tensor]]:
        return model.slopes(planned.batch(step), None if weigh is None else weigh(step))

    with (
        memory_named(model.proxy.model, model.proxy.max_tokens),
        _alone(model, transformers),
        tempfile.TemporaryDirectory() as folder,
    ):
        trainer = _trainer(trl, torch, loss)(
            model=model.network,
            args=_settings(trl, model, folder, planned.rate, len(planned.steps)),
            train_dataset=datasets.Dataset.from_dict({"step": list(planned.steps)}),
            data_collator=lambda found: {"step": found[0]["step"]},
            processing_class=model.tokenizer,
            optimizers=(planned.optimizer, _pace(torch, planned)),
            callbacks=[_watching(transformers, planned.after)],
        )
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()


def _trainer(trl: Library, torch: Library, loss: Callable[[int], tuple[float, list[Tensor]]]) -> type:
    """TRL's trainer over whole steps, in their order."""

    class Given(torch.autograd.Function):  # type: ignore[misc]  # untyped library
        """A loss whose gradient was computed in parallel."""

        @staticmethod
        def forward(context: Library, value: float, slopes: list[Tensor], *weights: Tensor) -> Tensor:
            context.slopes = slopes
            return weights[0].new_tensor(value)

        @staticmethod
        def backward(context: Library, above: Tensor) -> tuple[Tensor, ...]:
            return (None, None, *(None if slope is None else slope * above for slope in context.slopes))

    class Trainer(trl.SFTTrainer):  # type: ignore[misc]  # untyped library
        def _get_train_sampler(self, dataset: Library = None) -> Library:
            return torch.utils.data.SequentialSampler(self.train_dataset if dataset is None else dataset)

        def compute_loss(self, model: Network, inputs: dict[str, int], *_: object, **__: object) -> Tensor:
            value, slopes = loss(int(inputs["step"]))
            weights = [weight for _, weight in sorted(model.named_parameters()) if weight.requires_grad]
            return Given.apply(value, slopes, *weights)

        def create_model_card(self, *_: object, **__: object) -> None:
            """No card: nothing is published."""

    return Trainer


def _settings(trl: Library, model: CausalModel, folder: str, rate: float, steps: int) -> Library:
    """TRL settings: one item per step, precision of the weights, no files, no logs."""
    return trl.SFTConfig(
        output_dir=folder,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=1,
        max_steps=steps,
        learning_rate=rate,
        weight_decay=0.0,
        max_grad_norm=CLIP,
        max_length=None,
        bf16=False,
        fp16=False,
        use_cpu=model.device == "cpu",
        gradient_checkpointing=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        save_strategy="no",
        eval_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )


def _pace(torch: Library, planned: OptimizerSteps) -> Library:
    """The rate of :func:`syngain.learners.causal.paced` as a scheduler."""
    optimizer, first = planned.optimizer, planned.steps.start
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] = planned.rate
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (first + step + 1) / WARM_UP))


def _watching(transformers: Library, after: Callable[[], None]) -> Library:
    class Watching(transformers.TrainerCallback):  # type: ignore[misc]  # untyped library
        def on_step_end(self, *_: object, **__: object) -> None:
            after()

    return Watching()


@contextmanager
def _alone(model: CausalModel, transformers: Library) -> Iterator[None]:
    """Restore network, warnings and log levels, which TRL changes."""
    base = model.network.get_base_model()
    talk, loud = transformers.utils.logging.get_verbosity(), logging.getLogger("accelerate").level
    transformers.utils.logging.set_verbosity_error()
    logging.getLogger("accelerate").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        base.__dict__.pop("forward", None)
        model.network.eval()
        model.network.zero_grad(set_to_none=True)
        transformers.utils.logging.set_verbosity(talk)
        logging.getLogger("accelerate").setLevel(loud)
