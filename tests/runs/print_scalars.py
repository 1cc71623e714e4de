"""Prints every scalar that TensorBoard reads in a folder, one "tag step value" a line."""
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

board = EventAccumulator(sys.argv[1], size_guidance={"tensors": 0, "scalars": 0})
board.Reload()
for tag in sorted(board.Tags()["scalars"]):
    for event in board.Scalars(tag):
        print(tag, event.step, event.value)
