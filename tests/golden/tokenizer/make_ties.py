"""Writes unigram_ties.json, the ids that `sentencepiece` gives for texts with several splits of the same score. SOURCE.md
says which version made what is stored; 0.2.3 chooses other splits.

usage: make_ties.py > unigram_ties.json
"""
import base64
import io
import json
import random
import sys

import sentencepiece
from sentencepiece import sentencepiece_model_pb2


def model():
    """A unigram model in which the score of a piece is its length, so that all splits of a word are equally good."""
    draw = random.Random(1)
    words = ["".join(draw.choice("abc") for _ in range(draw.randint(2, 7))) for _ in range(300)]
    sentences = [" ".join(draw.choice(words) for _ in range(8)) for _ in range(400)]
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(sentences), model_writer=out, vocab_size=120, model_type="unigram",
                                             minloglevel=2, num_threads=1)
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(out.getvalue())
    for piece in proto.pieces:
        if piece.type == 1:
            piece.score = -0.1 * len(piece.piece)
    proto.normalizer_spec.precompiled_charsmap = b""
    proto.normalizer_spec.name = "identity"
    return proto.SerializeToString()


data = model()
processor = sentencepiece.SentencePieceProcessor(model_proto=data)
draw = random.Random(2)
texts = ["".join(draw.choice("abc ") for _ in range(draw.randint(1, 40))) for _ in range(300)]
json.dump({"sentencepiece": sentencepiece.__version__, "model": base64.b64encode(data).decode(), "texts": texts,
           "ids": [processor.encode(text) for text in texts]}, sys.stdout, separators=(",", ":"))
print()
