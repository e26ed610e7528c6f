import pytest
from pydantic import ValidationError
from tlg8 import blocks, sizes

from railyard.tlg8.codec.selectors import Gated, Staged


def test_the_number_of_evaluations_is_known_beforehand():
    assert Staged(entropy="plain").evaluations == 252
    assert Staged(entropy="after", n=3, m=8, interleaved=True).evaluations == 688
    assert Staged().evaluations == 504


def test_hilbert_takes_scan_0_only():
    contexts = blocks()["context"][:24]
    found = Gated(scans="hilbert").find(contexts, sizes(24), 3)
    assert (found.ranks_N2 // 2 % 8 == 0).all()


@pytest.mark.parametrize("knobs", [{"n": 0}, {"n": 9}, {"m": 97}, {"entropy": "none"}, {"k": 3}])
def test_what_a_knob_refuses(knobs):
    with pytest.raises(ValidationError):
        Staged(**knobs)
