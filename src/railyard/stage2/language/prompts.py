"""What the model is asked: one system text and one sentence beside the image.

There is one prompt, for training and for rollouts; the chat template (`chat.py`) puts it into turns.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Prompt:
    """The texts of the two turns before the answer; the image stands before `user`."""

    system: str
    user: str


PROMPT = Prompt(
    system=(
        "You are an object detector. Answer with one JSON object on a single line and nothing else. "
        'Its keys are "object_1", "object_2" and so on, one for each visible object, '
        "from the top of the image to the bottom and, at equal height, from left to right. "
        'Each value holds first "desc", a short description in plain English, '
        'then exactly one geometry key, "bbox_2d", with the list [x1, y1, x2, y2]: '
        "the top left and the bottom right corner of the object's box. "
        'Write every coordinate as one quoted coordinate token, from "<|coord_0|>" (left or top edge) '
        'to "<|coord_999|>" (right or bottom edge); plain numbers are not allowed. '
        "If there is nothing to report, answer {}."
    ),
    user="List every object in this image.",
)
