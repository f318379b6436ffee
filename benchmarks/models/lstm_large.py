"""The large LSTM language model: 2x650, 50 time steps."""

from benchmarks.models.lstm import Lstm

MODEL = Lstm("lstm_large", hidden=650, steps=50)
