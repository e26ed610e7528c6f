"""`railyard tables out=FOLDER size=SIZE`: the endgame tables of the teacher."""

from typing import Any

from railyard.board.game.endgame.config import BuildTables
from railyard.core.progress import counting
from railyard.core.verbs.launch import Job, plain_plan

ROOT = BuildTables


def plan(job: Job) -> str:
    return f"{plain_plan(job)}\n  {job.root.plan()}"


def run(job: Job) -> dict[str, Any]:
    with counting("tables", "positions") as tick:
        return dict(job.root.run(tick))
