"""Writes events.json: a TensorBoard event file as TensorBoard's own protobufs and record framing make it, in hexadecimal.

usage: make_golden.py > events.json
"""
import io
import json
import sys

import tensorboard
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

SCALARS = [
    (0, [("loss", 2.5)]),
    (1, [("loss", 0.1), ("objective/kl", -3.25)]),
    (300, [("learning_rate", 1e-6), ("val/ratio", float("inf")), ("λ", 0.0)]),
    (10**12, [("loss", 123456.789)]),
]


class KeepOpen(io.BytesIO):
    def close(self):
        pass


def main():
    out = KeepOpen()
    writer = RecordWriter(out)
    writer.write(Event(wall_time=1700000000.125, file_version="brain.Event:2").SerializeToString())
    for step, values in SCALARS:
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values])
        writer.write(Event(wall_time=1700000000.125 + step, step=step, summary=summary).SerializeToString())
    json.dump({"tensorboard": tensorboard.__version__, "bytes": out.getvalue().hex()}, sys.stdout)
    print()


main()
