"""score_padded.py FOLDER TEXT...: fails if scores in transformers differ alone and padded with the folder's pad token."""
import sys

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

folder, *texts = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
assert tokenizer.pad_token_id == model.config.pad_token_id, (tokenizer.pad_token_id, model.config.pad_token_id)
encode = lambda text, **more: tokenizer(text, return_tensors="pt", add_special_tokens=False, **more)
with torch.no_grad():
    alone = torch.cat([model(**encode(text)).logits for text in texts])
    for side in ("right", "left"):
        padded = model(**encode(texts, padding=True, padding_side=side)).logits
        torch.testing.assert_close(padded, alone, rtol=1e-4, atol=1e-5)
