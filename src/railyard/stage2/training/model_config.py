"""What `model=stage2_detector` says: the network, and how its weights are moved."""

from typing import Annotated, Any

from pydantic import Field

from railyard.core.config.component import Foreign
from railyard.core.training.experiment import Model
from railyard.stage2.model.config import Lora, Network
from railyard.stage2.training.schedules import Constant, Schedule


class DetectorModel(Model):
    """A vision-language model that writes boxes as tokens, with its optimizer and schedule."""

    network: Network = Field(description="the network, and which of its weights are trained")
    optimizer: Foreign = Field(description="a torch.optim class with _partial_: true")
    schedule: Schedule = Field(Constant(), description="learning rate over the run")
    rollout_seed: Annotated[int, Field(ge=0)] = Field(
        0, description="what sampled rollouts follow from, with the step and the place of a sample in it"
    )

    def build(self, **runtime: Any) -> Any:
        from railyard.stage2.training.module import Stage2Module

        return Stage2Module(self, **runtime)

    def stands_on(self) -> dict[str, Any]:
        """Of adapters, which alone are in their checkpoints: the folder of the weights below them."""
        from railyard.stage2.model.build import base_of

        return (base_of(self.network.weights) or {}) if isinstance(self.network.tuning, Lora) else {}
