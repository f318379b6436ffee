"""The small LSTM language model: 2x200, 20 time steps."""

from benchmarks.models.lstm import Lstm

MODEL = Lstm("lstm_small", hidden=200, steps=20)
