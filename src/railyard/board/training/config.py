"""What `data=board_pack` and `model=board_encoder` say: the knobs of training on packs, and of evaluation."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from railyard.board.game.strategy import Argmax, Strategy
from railyard.board.model.config import MOST_VALUE_HEADS, Encoder, ValueName
from railyard.board.training.augmentation import Augmentation
from railyard.board.training.outcomes import Outcome
from railyard.board.training.rejection.config import Rejection
from railyard.board.training.schedules import Constant, Schedule
from railyard.core.config.component import Foreign, PathKnob
from railyard.core.rail import Evaluation
from railyard.core.training.devices import Device
from railyard.core.training.experiment import Callback, Data, Model
from railyard.core.training.shuffling import Shuffling
from railyard.core.training.subject import Subject


class PackData(Data):
    """Rows of a pack, tokenised as they are read, split by run."""

    pack: PathKnob = Field(description="folder of the pack; `railyard pack` makes one")
    tokenizer: PathKnob | None = Field(
        None,
        description="tokenizer.json, which `railyard tokenizer` fits; null learns the move alone (hard_move); "
        "evaluation takes the model's own",
    )
    batch_size: Annotated[int, Field(ge=1)] = Field(512, description="rows of a micro-batch on one rank (device)")
    validation_batch_size: Annotated[int, Field(ge=1)] = Field(
        4096, description="rows a batch where no gradients are kept"
    )
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.1, description="share of the rows held out, in whole runs"
    )
    split_seed: Annotated[int, Field(ge=0)] = Field(
        0, description="which runs are held out; equal in all runs that are to be compared"
    )
    order_seed: Annotated[int, Field(ge=0)] = Field(0, description="the order of rows within an epoch")
    shuffle: bool = Field(True, description="false reads rows in their own order, under data.rejection within each mix")
    order: Shuffling | None = Field(
        None,
        description="null shuffles all rows, best where the pack fits into memory; "
        "railyard.core.training.shuffling.Windowed reads larger ones in whole blocks",
    )
    rejection: Rejection | None = Field(
        None, description="trains on rows chosen by what a model said of them; null: on all rows of data.pack alike"
    )
    samples_per_epoch: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="rows of an epoch under data.rejection; null: as many as data.pack has to train on",
    )
    augmentation: Augmentation = Field(Augmentation(), description="boards turned while training")
    workers: Annotated[int, Field(ge=0)] = Field(
        0, description="processes that read ahead; 0 uses a thread, which is enough for compiled gathers"
    )
    prefetch: Annotated[int, Field(ge=1)] = Field(4, description="batches read ahead at the most")

    @model_validator(mode="after")
    def _order_shuffles(self) -> Self:
        if self.order is not None and not self.shuffle:
            raise ValueError("data.order says how rows are shuffled, data.shuffle=false that they are not: drop one")
        return self

    @model_validator(mode="after")
    def _epochs_of_mixes(self) -> Self:
        if self.samples_per_epoch is not None and self.rejection is None:
            raise ValueError("data.samples_per_epoch goes with data.rejection; limit_train_batches cuts other epochs")
        return self

    @property
    def only_validates(self) -> bool:
        return self.rejection is not None and self.rejection.validate_only

    def build(self, **runtime: Any) -> Any:
        if self.rejection is not None:
            from railyard.board.training.rejection.data import MixedPackData

            return MixedPackData(self)
        from railyard.board.training.data import PackDataModule

        return PackDataModule(self)


class BoardModel(Model):
    """The encoder, trained with an optimizer and a schedule."""

    encoder: Encoder = Field(Encoder(), description="the network's shape")
    optimizer: Foreign = Field(description="a torch.optim class with _partial_: true")
    other_optimizer: Foreign | None = Field(
        None,
        description="beside torch.optim.Muon, which takes the matrices inside the blocks: the optimizer of embeddings, "
        "norms and heads",
    )
    schedule: Schedule = Field(Constant(), description="learning rate over the run")
    init: PathKnob | None = Field(
        None,
        description="an init folder whose weights the run starts from, with a fresh optimizer and at step 0; "
        "ckpt_path= goes on with everything",
    )
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None,
        description="validate and keep a running average of the weights, e.g. 0.999: smoother than the last ones; "
        "null: the weights themselves",
    )
    value_heads: dict[ValueName, Outcome] = Field(
        {},
        max_length=MOST_VALUE_HEADS,
        description="heads beside those of the moves, by name, and what each says the probability of: "
        "railyard.board.training.outcomes.DiesWithin or Reaches",
    )
    value_weight: Annotated[float, Field(ge=0)] = Field(
        1.0,
        description="weight of each value head's cross-entropy in the loss; 0 lets them read along and learn nothing",
    )
    compile: bool = Field(
        False, description="torch.compile the encoder at the first step: meant for long runs on a GPU"
    )

    @model_validator(mode="after")
    def _one_place_for_value_heads(self) -> Self:
        if self.encoder.value_heads:
            raise ValueError("encoder.value_heads is for init folders: say what each head learns in model.value_heads")
        return self

    def network(self, num_classes: int) -> Encoder:
        """The encoder for labels of so many classes, with its value heads. UserError where it was made for others."""
        return self.encoder.with_bins(num_classes).with_value_heads(self.value_heads)

    def build(self, **runtime: Any) -> Any:
        from railyard.board.training.module import BoardModule

        return BoardModule(self, **runtime)


class BoardStrength(Callback):
    """Plays games with the model at every k-th validation, and logs strength/mean_score, low, high and reach_<tile>.

    `callbacks=[default,board_strength] callbacks.saver.monitor=strength/mean_score callbacks.saver.mode=max` keeps the
    checkpoint that plays best.
    """

    every_n_validations: Annotated[int, Field(ge=1)] = Field(
        5, description="validations from one play to the next; the first one plays"
    )
    games: Annotated[int, Field(ge=1)] = Field(
        20, description="games of a play, over all ranks; 100 tell twice as well"
    )
    seed: Annotated[int, Field(ge=0, lt=2**64)] = Field(1, description="seed of the first game; equal at every play")
    strategy: Strategy = Field(Argmax(), description="how a move is chosen from what the model says")
    symmetries: Literal[1, 8] = Field(1, description="8 averages what the model says of the eight turned boards")
    max_moves: Annotated[int, Field(ge=1)] | None = Field(None, description="a game is ended after so many moves")
    bucket: Annotated[int, Field(ge=16)] = Field(32, description="games in play at one time, boards of a pass")

    def build(self, **runtime: Any) -> Any:
        from railyard.board.training import strength

        return strength.BoardStrength(self, runtime["resumed"])


class BoardEvaluation(Evaluation, abstract=True):
    """A model against its teacher on held-out games."""

    split: Literal["validation", "train", "all"] = Field("validation", description="which runs of the data")
    limit_rows: Annotated[int, Field(ge=1)] | None = Field(None, description="the first rows only; null: all")
    batch_size: Annotated[int, Field(ge=1)] = Field(4096, description="rows a batch")
    device: Device = Field("auto", description="auto takes what is there; cuda:1 is a second GPU")

    def check(self, subject: Subject) -> None:
        from railyard.board.training.held_out import refuse_trained_on

        if self.split == "validation" and subject.run is not None and isinstance(subject.data, PackData):
            refuse_trained_on(subject.run, subject.data)

    def evaluate(self, subject: Subject, out: Path) -> dict[str, Any]:
        from railyard.board.training import evaluation, evaluation_report
        from railyard.board.training.subject import find

        found = find(subject, out)
        result = evaluation.evaluate(found.init, found.data, found.objective, self, found.outcomes)
        evaluation_report.write(out, result, found.init, found.data, self.split)
        return {"report": str(out / "evaluation.md"), "split": self.split, **result.as_dict()}
