//! Cuts a source's extracted text into passages that can be cited.

use cofounder_domain::{Passage, Source, sentences, word_count};

/// What a passage aims at, in characters.
const TARGET: usize = 360;
/// The most sentences of a passage.
const MAX_SENTENCES: usize = 3;
/// A longer sentence is no sentence but a list of words, and cannot be cited.
const MAX_SENTENCE: usize = 1_200;
/// A shorter one says nothing by itself.
const MIN_WORDS: usize = 4;
/// The most headings above a passage, and the most characters of one.
const MAX_HEADING: usize = 200;

/// What stands at the edges of web pages, in lower case. Only short blocks are looked at.
const BOILERPLATE: [&str; 18] = [
    "uses cookies",
    "use cookies",
    "accept cookies",
    "accept all cookies",
    "cookie policy",
    "cookie settings",
    "subscribe to our",
    "sign up for our",
    "join our newsletter",
    "all rights reserved",
    "skip to content",
    "share this article",
    "share on facebook",
    "follow us on",
    "read our privacy policy",
    "terms of service and",
    "enable javascript",
    "log in to comment",
];

/// The passages of a source, numbered from `first_number`: one to three whole sentences of one paragraph or
/// list item each, with the headings above them. Headings, code, tables, and what stands at the edges of web
/// pages are not passages. `source.text[p.start..p.end] == p.text` holds for each.
#[must_use]
pub fn segment(source: &Source, first_number: u32) -> Vec<Passage> {
    let mut cutter = Cutter { source, next: first_number, headings: Vec::new(), passages: Vec::new() };
    let mut code = false;
    let mut offset = 0;
    for line in source.text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        if line.starts_with("```") {
            code = !code;
        } else if !code {
            cutter.block(line, start);
        }
    }
    cutter.passages
}

struct Cutter<'a> {
    source: &'a Source,
    next: u32,
    headings: Vec<(usize, String)>,
    passages: Vec<Passage>,
}

impl Cutter<'_> {
    fn block(&mut self, line: &str, start: usize) {
        let marks = line.bytes().take_while(|b| *b == b'#').count();
        if (1..=6).contains(&marks) && line[marks..].starts_with(' ') {
            self.headings.retain(|(level, _)| *level < marks);
            self.headings.push((marks, line[marks..].trim().chars().take(MAX_HEADING).collect()));
            return;
        }
        let item = line.starts_with("- ");
        let skip = if item || line.starts_with("> ") { 2 } else { 0 };
        let content = &line[skip..];
        if line.starts_with('|') || !worth_citing(content.trim(), item) {
            return;
        }
        let spans: Vec<(usize, usize)> = sentences(content)
            .into_iter()
            .map(|s| (start + skip + s.start, start + skip + s.end))
            .filter(|(from, to)| to - from <= MAX_SENTENCE)
            .collect();
        self.cut(&spans);
    }

    /// Divides a paragraph's sentences into passages.
    fn cut(&mut self, spans: &[(usize, usize)]) {
        for (from, to) in division(&self.source.text, spans) {
            self.passage(spans[from].0, spans[to - 1].1);
        }
    }

    fn passage(&mut self, start: usize, end: usize) {
        let text = &self.source.text[start..end];
        if word_count(text) < MIN_WORDS {
            return;
        }
        self.passages.push(Passage {
            number: self.next,
            source: self.source.id.clone(),
            start,
            end,
            text: text.to_owned(),
            headings: self.headings.iter().map(|(_, heading)| heading.clone()).collect(),
        });
        self.next = self.next.saturating_add(1);
    }
}

/// The best way to part sentences into runs of at most three, each as (first, one past the last): runs of
/// about the target's length, that do not begin with a word that leans on the sentence before.
fn division(text: &str, spans: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let total: usize = spans.iter().map(|(from, to)| to - from + 1).sum();
    let target = total.clamp(1, TARGET) as f32;
    let cost = |from: usize, to: usize| {
        let (start, end) = (spans[from].0, spans[to - 1].1);
        let off = (end - start) as f32 / target - 1.0;
        // Too long is worse than too short; a sentence that was left out must not be bridged.
        let bridged = (from + 1..to).any(|i| !text[spans[i - 1].1..spans[i].0].trim().is_empty());
        let leaning = from > 0 && leans_back(&text[start..end]);
        off * off * if off > 0.0 { 4.0 } else { 1.0 }
            + if leaning { 0.3 } else { 0.0 }
            + if bridged { 1e6 } else { 0.0 }
    };
    // best[i]: the cost of the best division of the first i sentences, and where its last run begins.
    let mut best: Vec<(f32, usize)> = vec![(0.0, 0)];
    for to in 1..=spans.len() {
        let runs = (to.saturating_sub(MAX_SENTENCES)..to).map(|from| (best[from].0 + cost(from, to), from));
        best.push(runs.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or_default());
    }
    let mut runs = Vec::new();
    let mut to = spans.len();
    while to > 0 {
        runs.push((best[to].1, to));
        to = best[to].1;
    }
    runs.reverse();
    runs
}

/// Whether a sentence needs the one before it to be understood.
fn leans_back(sentence: &str) -> bool {
    let first = sentence.split(|c: char| !c.is_alphanumeric()).find(|w| !w.is_empty()).unwrap_or_default();
    let leaning = [
        "it",
        "its",
        "this",
        "that",
        "these",
        "those",
        "they",
        "their",
        "he",
        "his",
        "she",
        "her",
        "such",
        "but",
        "and",
        "so",
        "then",
        "however",
        "therefore",
        "thus",
        "instead",
        "otherwise",
        "also",
        "both",
        "another",
        "afterwards",
    ];
    leaning.iter().any(|word| word.eq_ignore_ascii_case(first))
}

/// Whether a block says something: a sentence, or an item of a list that is long enough to be one.
fn worth_citing(block: &str, item: bool) -> bool {
    let words = word_count(block);
    if words < MIN_WORDS {
        return false;
    }
    let closed = block
        .trim_end_matches(['"', '\'', '”', '’', ')', ']', '»', '*', '_'])
        .ends_with(['.', '!', '?', '…', ':', ';', '。', '！', '？']);
    if !closed && words < if item { 5 } else { 12 } {
        return false;
    }
    block.len() > 240 || {
        let lower = block.to_lowercase();
        !BOILERPLATE.iter().any(|phrase| lower.contains(phrase))
    }
}
