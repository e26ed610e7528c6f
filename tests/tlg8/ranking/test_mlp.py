import numpy as np
from rankers import small_network

INPUTS = 20


def scalar(network, row):
    """One block in scalar code: each sum in the order of its terms, in float32."""
    out = []
    for layers in network.heads.values():
        triples = zip(row, network.mean_D, network.scale_D, strict=True)
        values = [np.float32(0) if np.isnan(x) else (x - m) / s for x, m, s in triples]
        for place, (weight, bias) in enumerate(layers):
            after = []
            for of_output, start in zip(weight, bias, strict=True):
                total = start
                for value, factor in zip(values, of_output, strict=True):
                    total = total + value * factor
                after.append(total)
            last = place == len(layers) - 1
            values = after if last else [max(value, np.float32(0)) for value in after]
        out += values
    return np.array(out, np.float32)


def some_inputs(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, INPUTS)).astype(np.float32)


def test_inference_is_scalar_code_to_the_last_bit():
    network, inputs = small_network(INPUTS), some_inputs(4)
    inputs[2, 5] = np.nan  # not known
    assert np.array_equal(network.logits(inputs), [scalar(network, row) for row in inputs])


def test_batch_and_threads_change_no_bit():
    network, inputs = small_network(INPUTS), some_inputs(5000)
    together = network.logits(inputs)
    assert np.array_equal(together, network.logits(inputs, threads=2))
    assert np.array_equal(together[4321], network.logits(inputs[4321:4322])[0])


def test_parameters_are_counted_by_head():
    network = small_network(INPUTS, (6,))
    assert network.parameters["predictor"] == 20 * 6 + 6 + 6 * 8 + 8
    assert network.parameters["interleave"] == 20 * 6 + 6 + 6 * 2 + 2
