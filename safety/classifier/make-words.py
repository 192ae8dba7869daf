"""Makes words.json: a small table of word vectors, distilled from a sentence encoder.

  python make-words.py MODEL_DIR WORDS.txt > words.json

MODEL_DIR: all-MiniLM-L6-v2 (Apache-2.0), a clone of https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2; the sum
of the model.safetensors that was used stands in words.json. WORDS.txt: English words by falling frequency, one a line: the
first column of glove.6B.50d.txt from https://nlp.stanford.edu/projects/glove/ (glove.6B.zip, public domain), words of two
letters or more; those taken stand in words.json in their order. Each word alone goes through the encoder; its mean vector is
centred, reduced to 64 principal components, weighted by rank (frequent words say less) and product-quantised: 16 parts of 4 numbers, 256 codewords each.
"""
import base64, hashlib, json, sys
import numpy as np, torch
from transformers import AutoModel, AutoTokenizer

WORDS, DIMS, PARTS, CODES = 14000, 64, 16, 256
torch.set_num_threads(1)
folder, list_file = sys.argv[1:3]
words = open(list_file).read().split()[:WORDS]
tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
rows = []
with torch.no_grad():
    for at in range(0, len(words), 512):
        batch = tokenizer(words[at : at + 512], return_tensors='pt', padding=True)
        mask = batch['attention_mask'].unsqueeze(-1)
        rows.append(((model(**batch).last_hidden_state * mask).sum(1) / mask.sum(1)).numpy())
vectors = np.concatenate(rows).astype(np.float64)
vectors -= vectors.mean(0)
basis = np.linalg.svd(vectors[:8000], full_matrices=False)[2][:DIMS]
vectors = vectors @ basis.T
vectors /= np.sqrt((vectors**2).mean())
vectors *= (0.15 + np.log(1 + np.arange(len(words))) / np.log(len(words)))[:, None]

random = np.random.RandomState(7)


def closest(data, book):
    return (data @ book.T - (book**2).sum(1) / 2).argmax(1)


codes, books = np.zeros((len(words), PARTS), np.uint8), []
for part in range(PARTS):
    data = vectors[:, part * 4 : part * 4 + 4]
    book = data[random.choice(len(data), CODES, replace=False)]
    for _ in range(25):
        nearest = closest(data, book)
        for code in range(CODES):
            if (nearest == code).any():
                book[code] = data[nearest == code].mean(0)
    codes[:, part] = closest(data, book)
    books.append(book)
book = np.concatenate([b.ravel() for b in books])
scale = float(np.abs(book).max() / 127)
kept = np.concatenate([books[p][codes[:, p]] for p in range(PARTS)], 1)
print('kept', 1 - ((vectors - kept) ** 2).sum() / (vectors**2).sum(), file=sys.stderr)
print(json.dumps({
    'about': 'Word vectors of 64 numbers, product-quantised; made by make-words.py.',
    'model': {'name': 'sentence-transformers/all-MiniLM-L6-v2', 'licence': 'Apache-2.0', 'sha256': hashlib.sha256(open(folder + '/model.safetensors', 'rb').read()).hexdigest()},
    'order': {'name': 'GloVe 6B vocabulary', 'licence': 'PDDL-1.0'},
    'dims': DIMS, 'parts': PARTS, 'scale': round(scale, 8),
    'words': ' '.join(words),
    'book': base64.b64encode(np.round(book / scale).astype(np.int8).tobytes()).decode(),
    'codes': base64.b64encode(codes.tobytes()).decode(),
}))
