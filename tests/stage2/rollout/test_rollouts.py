import numpy as np
from stage2_samples import sample_of
from tiny_detector import shared_tiny_detector

from railyard.stage2.rollout.config import RolloutMatching
from railyard.stage2.rollout.rollouts import Scripted

PIXELS = np.zeros((64, 64, 3), np.uint8)


def test_answers_are_those_of_the_records():
    vocabulary = shared_tiny_detector().vocabulary
    samples = [sample_of(vocabulary, 1, PIXELS, written='{"object_1": {}}'), sample_of(vocabulary, 2, PIXELS)]
    found = Scripted(vocabulary).generate(samples, RolloutMatching(), [0, 0])
    assert [vocabulary.join(ids)[0] for ids in found] == [b'{"object_1": {}}<|im_end|>', b"{}<|im_end|>"]
    (cut, _) = Scripted(vocabulary).generate(samples, RolloutMatching(max_new_tokens=3), [0, 0])
    assert cut == found[0][:3]


def test_answers_may_be_made_of_the_sample():
    vocabulary = shared_tiny_detector().vocabulary
    scripted = Scripted(vocabulary, lambda sample: sample.image)
    (found,) = scripted.generate([sample_of(vocabulary, 7, PIXELS)], RolloutMatching(), [0])
    assert vocabulary.join(found)[0] == b"7.png<|im_end|>"
