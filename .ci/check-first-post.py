"""Reads what `cofounder write --json` printed and checks the article and its report against the contract."""

import json
import pathlib
import re
import sys

result = json.loads(pathlib.Path(sys.argv[1]).read_text())
post = result["post"]
report = json.loads(pathlib.Path(post["report"]).read_text())
markdown = pathlib.Path(post["markdown"]).read_text()
html = pathlib.Path(post["html"]).read_text()

assert result["status"] == "awaiting_approval", result["status"]
assert result["gate"] == "open", (result["gate"], [r for r in report["rails"] if r["verdict"] != "pass"])
assert post["words"] >= 300, f"only {post['words']} words"
assert result["claims"]["total"] >= 15 and result["claims"]["unsupported"] == 0, result["claims"]
assert result["calls"]["count"] > 0 and result["calls"]["tokens_out"] > 0, result["calls"]
assert markdown.startswith("---\n") and "[^" in markdown, "front matter and footnotes"
assert not re.search(r"\[S\d+\]", markdown), "a passage mark was left"
assert "<script" not in html and "src=" not in html, "the page must be self-contained"
for claim in report["claims"]:
    assert claim["supported"] and claim["passages"], claim
    for passage in claim["passages"]:
        assert passage["end"] - passage["start"] == len(passage["text"].encode()), passage
print(f"{post['words']} words, {result['claims']['total']} claims, {result['calls']['count']} model calls, "
      f"{result['calls']['tokens_in']} + {result['calls']['tokens_out']} tokens, cost {result['calls']['cost_usd']} USD")
