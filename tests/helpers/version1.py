"""A tokenizer file of version 1, small enough to compute with by hand."""

EDGES = [0.0, 0.125, 0.5, 1.0]

DOCUMENT = {
    "version": 1,
    "quantile_count": 5,
    "actions": ["up", "down", "left", "right"],
    "valuation_types": ["search", "tuple10", "tuple11"],
    "ecdf_knots": {
        "search": [-400.0, -200.0, 0.0, 200.0, 400.0],
        "tuple10": [0.0, 0.25, 0.5, 0.75, 1.0],
        "tuple11": [0.0, 0.5, 0.75, 0.875, 1.0],
    },
    "delta_edges": EDGES,
    "percentile_grid": "uniform_0_1",
    "notes": "made for a test",
    "metadata": {},
}
