"""A checkpoint as a folder that Hugging Face tools load offline: weights, tokenizer and model card."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from pipeline.console import OUT
from pipeline.errors import Refusal
from pipeline.files import file_hash, write_text
from pipeline.vocabulary import Vocabulary


def export(checkpoint: Path, to: Path) -> None:
    """Write configuration, weights, tokenizer and a card into the folder `to`.

    It must be new, or hold this very export: a command that was killed can be run again.
    """
    there = to.exists() and any(to.iterdir())
    if there and not (to / "config.json").is_file():
        raise Refusal(f"{to} is not empty; name a new folder")
    if there:
        with TemporaryDirectory() as beside:
            _write(checkpoint, Path(beside) / to.name)
            if _content(Path(beside) / to.name) != _content(to):
                raise Refusal(f"{to} holds another export; name a new folder")
    else:
        _write(checkpoint, to)
    OUT.print(f"{to}: {', '.join(sorted(path.name for path in to.iterdir()))}", soft_wrap=True)


def _write(checkpoint: Path, to: Path) -> None:
    """All in one step: a command that was killed leaves no half a folder."""
    from trainers.checkpoint import parameters, save
    from trainers.model import load

    vocabulary = Vocabulary.load(checkpoint)
    model = load(checkpoint)
    context = model.config.max_position_embeddings
    card = model_card(vocabulary, parameters(model), _example(vocabulary), context)

    def complete(folder: Path) -> None:
        vocabulary.save(folder)  # whatever has become of the tokenizer beside the weights
        write_text(folder / "README.md", card)

    save(model, to, checkpoint, complete)


def _content(folder: Path) -> dict[str, str]:
    """The hash of every file in it."""
    return {path.name: file_hash(path) for path in folder.iterdir() if path.is_file()}


def model_card(vocabulary: Vocabulary, parameters: int, prompt: str, context: int) -> str:
    """Markdown with the head that the hub reads, and code that asks the model one problem."""
    domain = vocabulary.domain
    head = {
        "license": "apache-2.0",
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["search-traces", domain.name],
    }
    knobs = json.dumps({name: value for name, value in domain.__dict__.items() if value != ""})
    return f"""---
{yaml.safe_dump(head, sort_keys=False).strip()}
---
# A searcher for {domain.name} problems

A decoder of {parameters:,} parameters that writes a search trace and then the answer, word by word, in
notation `{vocabulary.notation}`. It was trained on traces of the teacher with the knobs
`{knobs}`. Its context is {context} tokens.

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("PATH")
tokenizer = AutoTokenizer.from_pretrained("PATH")
prompt = "bos {prompt}"
ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
out = model.generate(**ids, max_length={context}, do_sample=False)
print(tokenizer.decode(out[0]))
```

Prompts and responses are words between spaces, `bos` first; a response ends with `eos`. The model does not
check its answers: verify them with `{type(domain).__module__}`.
"""


def _example(vocabulary: Vocabulary) -> str:
    """One prompt of the domain, in the model's notation."""
    from pipeline.seeds import named_rng

    domain = vocabulary.domain
    row = domain.solve(domain.problems(named_rng(0, "card"), 1), named_rng(0, "card", "teacher"))
    return " ".join(domain.write(row, vocabulary.notation, named_rng(0, "prompts"))["prompt"][0])
