"""Railyard: a Lightning + Hydra training yard with three research lines (2048, image codec, boxes)."""

__version__ = "0.1.0"
