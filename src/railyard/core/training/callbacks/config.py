"""The knobs of Railyard's callbacks."""

from typing import Annotated, Any, Literal

from pydantic import Field

from railyard.core.training.experiment import Callback


class Saver(Callback):
    """Writes checkpoints from which a run resumes to the same bits."""

    every_n_steps: Annotated[int, Field(ge=1)] = Field(
        500, description="optimizer steps between saves: what a kill can cost"
    )
    monitor: str | None = Field("val/loss", description="the metric that decides what is best; null: the last is")
    mode: Literal["min", "max"] = Field("min", description="whether less or more of it is better")
    keep: Annotated[int, Field(ge=1)] = Field(2, description="how many of the newest to keep beside the best")

    def build(self, **runtime: Any) -> Any:
        from railyard.core.training.callbacks.saver import Saver

        return Saver(self, runtime["folder"], runtime["resumed"])


class Progress(Callback):
    """A bar on a terminal, plain lines elsewhere."""

    every_seconds: Annotated[float, Field(gt=0)] = Field(10.0, description="seconds between two plain lines")

    def build(self, **runtime: Any) -> Any:
        from railyard.core.training.callbacks.progress import Progress

        return Progress(self.every_seconds)


class Throughput(Callback):
    """Rows a second, the split of the step time and memory, into timings.jsonl."""

    every_n_steps: Annotated[int, Field(ge=1)] = Field(50, description="optimizer steps that one line sums up")

    def build(self, **runtime: Any) -> Any:
        from railyard.core.training.callbacks.throughput import Throughput

        return Throughput(runtime["folder"], self.every_n_steps)


class Report(Callback):
    """report.md with its plots at the end of the run."""

    plots: bool = Field(True, description="draw the curves (needs the extra `plots`)")

    def build(self, **runtime: Any) -> Any:
        from railyard.core.training.callbacks.report import Report

        return Report(runtime["folder"], self.plots)


class StopAt(Callback):
    """Ends a replay where its run ended."""

    step: int = Field(description="the optimizer step after which to stop")

    def build(self, **runtime: Any) -> Any:
        from railyard.core.training.callbacks.stop_at import StopAt

        return StopAt(self.step)
