"""A few made scenes on disk and a vocabulary for them, for what reads scenes with their images."""

from pathlib import Path

from railyard.stage2.language.chat import prompt_text
from railyard.stage2.language.offline_tokenizer import train_tokenizer
from railyard.stage2.language.prompts import PROMPT
from railyard.stage2.language.rendering import canonical, render
from railyard.stage2.language.tokenizer import vocabulary_of
from railyard.stage2.language.vocabulary import Vocabulary
from railyard.stage2.scenes import records
from railyard.stage2.scenes.generating import Recipe, generate
from railyard.stage2.scenes.painting import Layout


def small_scenes(out: Path, n: int = 12, seed: int = 0) -> Path:
    """Scenes of shapes of 64 to 96 pixels a side; their file."""
    generate(Recipe("shapes", seed, Layout(64, 96, 0, 3)), n, out, 1, lambda done, total, before: None)
    return out / records.RECORDS


def vocabulary_for(file: Path) -> Vocabulary:
    texts = [render(canonical(scene.objects)) for scene in records.read(file)]
    return vocabulary_of(train_tokenizer([prompt_text(PROMPT), *texts]))
