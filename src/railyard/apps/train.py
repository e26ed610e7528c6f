"""`railyard train experiment=board/quickstart`: fit an experiment, or continue one with resume=RUN."""

import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import yaml

from railyard.apps.evaluate import evaluate
from railyard.core import rail
from railyard.core.config.component import with_keys
from railyard.core.config.faults import Fault, blamed_on
from railyard.core.errors import UserError
from railyard.core.training import own_classes, rules, trainer_values
from railyard.core.training.experiment import Data, Experiment, with_sections
from railyard.core.verbs.verb import Job, Verb

log = logging.getLogger(__name__)

# how Lightning begins where a callback's or the Trainer's key is at odds with the module or the data
REFUSALS = ("Early stopping conditioned on metric", "`val_check_interval` (")


class Train(Experiment, Verb):
    """One training run."""

    has_folder = True

    @classmethod
    def read_as(cls, config: Mapping[str, Any]) -> type[Self]:
        """With the sections that its rail has at the root; with those of all rails while nothing says which that is."""
        if not config:
            return with_keys(cls, *(known.sections() for known in rail.known()))
        return with_sections(cls, config)

    def rules(self, job: Job) -> list[Fault]:
        own = rail.of(job.config)
        found = [*rules.check(self), *own.rules(self), *rules.monitors(self, own.metrics(self))]
        found += own_classes.unreadable(self.allow)
        found += [] if job.elsewhere else trainer_values.absent(self.trainer)
        return [*found, *rules.own_test(self)]

    def only_checks(self, job: Job) -> bool:
        return super().only_checks(job) or (isinstance(self.data, Data) and self.data.only_validates)

    def plan(self, job: Job) -> str:
        """What will run; for a resumed run also what changed."""
        lines = ["railyard train", *(f"  allowed    {name}, a class of yours" for name in self.allow)]
        if not self.validate_config:
            own_classes.refuse_unimportable(self)
        own = rail.of(job.config)
        lines += own.plan(self)
        if self.ckpt_path is not None and self.train and own.data_opens_at_once:
            with blamed_on("ckpt_path"):
                self._refuse_checkpoint()
        lines += [f"  resume     {job.folder}"] if job.resumed else []
        lines += [f"  changed    {line}" for line in job.changes]
        lines += [yaml.safe_dump(dict(job.config), sort_keys=False)] if self.extras.print_config else []
        return "\n".join(lines)

    def _refuse_checkpoint(self) -> None:
        from railyard.core.training.fit import refuse_checkpoint

        refuse_checkpoint(self)

    def perform(self, job: Job) -> dict[str, Any]:
        if "lightning" not in sys.modules:
            log.info("importing PyTorch and Lightning: some seconds")
        from lightning.fabric.utilities.exceptions import MisconfigurationException

        from railyard.core.training.fit import fit

        assert job.folder is not None
        if not self.train:
            return evaluate({"ckpt_path": Path(str(self.ckpt_path)), "allow": self.allow}, job.folder)
        try:
            result = fit(self, job.folder, job.command, job.resumed, job.pruning)
        except MisconfigurationException as fault:
            raise UserError(f"Lightning refuses this trainer: {' '.join(str(fault).split())}") from None
        except (RuntimeError, ValueError) as fault:
            if not str(fault).startswith(REFUSALS):
                raise
            raise UserError(f"Lightning refuses this: {' '.join(str(fault).split())}") from None
        if self.test:
            result["test"] = evaluate({"run": job.folder, "allow": self.allow}, job.folder, "test")
        return result
