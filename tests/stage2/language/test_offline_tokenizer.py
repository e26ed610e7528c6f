import json
import os
import subprocess
import sys

from railyard.stage2.language.offline_tokenizer import train_tokenizer
from railyard.stage2.language.tokenizer import PAD, SPECIALS
from railyard.stage2.scenes.coordinates import TOKENS

TEXTS = [
    f'{{"object_{n}": {{"desc": "{a} {b}", "bbox_2d": ["'
    for n in range(20)
    for a in ("red", "blue")
    for b in ("cat", "box")
]


def test_pieces_then_special_tokens_then_coordinates():
    tokenizer = train_tokenizer(TEXTS, entries=290)
    assert tokenizer.get_vocab_size(with_added_tokens=False) == 290
    assert [tokenizer.token_to_id(text) for text in (*SPECIALS, *TOKENS)] == [*range(290, 290 + 7 + 1000)]
    assert tokenizer.token_to_id(PAD) == 290


def test_what_the_texts_repeat_becomes_one_piece():
    assert len(train_tokenizer(TEXTS).encode('"desc"').ids) < len(train_tokenizer([]).encode('"desc"').ids) == 6


def test_nothing_is_learned_from_tokens_that_are_whole():
    whole = train_tokenizer([f'"desc{token}"]}}}}' for token in (*SPECIALS, *TOKENS)])
    assert whole.to_str() == train_tokenizer(['"desc', '"]}}'] * 1007).to_str()
    assert len(whole.encode('"]}}').ids) == 1


def test_the_same_texts_give_the_same_tokenizer_in_any_process_on_any_number_of_threads():
    program = (
        "import json, sys; from railyard.stage2.language.offline_tokenizer import train_tokenizer; "
        "sys.stdout.write(train_tokenizer(json.load(sys.stdin)).to_str())"
    )
    made = [
        subprocess.run(
            [sys.executable, "-c", program],
            input=json.dumps(TEXTS),
            env={**os.environ, "RAYON_NUM_THREADS": threads, "PYTHONHASHSEED": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "3")
    ]
    assert made == [train_tokenizer(TEXTS).to_str()] * 2
