import json

import numpy as np

from railyard.board.packs.schema import STEP


def test_rows_are_laid_out_as_in_existing_packs(fixtures):
    facts = json.loads((fixtures / "03_pack_facts.json").read_text())
    assert STEP.itemsize == facts["itemsize"] == 46
    assert {name: STEP.fields[name][1] for name in STEP.names} == facts["offsets"]
    first = np.frombuffer(bytes.fromhex(facts["first_row_hex"]), STEP)
    assert first.tobytes() == np.load(fixtures / "03_pack" / "steps-00000.npy")[:1].tobytes()
