//! The sentence writer: for models as small as the embedded default.
//!
//! It walks through the section's passages. The model puts a sentence at a time into other words, and an answer is
//! taken only if every check of facts passes and it is no copy. Where that fails, the source is quoted, by name and
//! word for word.

use cofounder_domain::{Passage, Source, sentences, word_count};
use cofounder_executor::StepError;
use cofounder_metering::{Message, Role};
use cofounder_qa as qa;

use crate::{
    article::{Block, Form, Paragraph, Section, Sentence},
    pen::{Manner, Pen},
    prompts,
    render::escape,
    steps::outline::PlannedSection,
    writer::{attributed, copies, fronting::Parted, pick, says_again, title},
};

/// How often the model may try one sentence.
const TRIES: u64 = 2;
/// How many questions a section may take.
const QUESTIONS: u32 = 24;
/// How many of its sources' sentences a section looks at, for each hundred words that it should have.
const LOOKED_AT: usize = 24;
/// Sentences a paragraph has at most.
const PER_PARAGRAPH: usize = 4;
/// Sentences a block quotation has at most.
const PER_QUOTE: usize = 3;

/// What one section is written from.
pub(crate) struct Material<'a> {
    pub(crate) section: &'a PlannedSection,
    pub(crate) passages: &'a [Passage],
    pub(crate) sources: &'a [Source],
    pub(crate) rules: &'a qa::Rules,
    /// Sentences of the sections before.
    pub(crate) said: &'a [String],
}

/// A written section and how many of its sources' sentences had to be quoted.
pub(crate) struct Written {
    pub(crate) section: Section,
    pub(crate) quoted: usize,
}

/// A sentence of a source, and what became of it.
struct Line<'a> {
    passage: &'a Passage,
    /// Its place in the passage, counted in sentences.
    place: usize,
    text: String,
    fate: Fate,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    LeftOut,
    Quoted,
    Reworded(String),
}

/// Writes one section.
pub(crate) async fn write(
    pen: &Pen<'_>,
    work: &Material<'_>,
    progress: &(dyn Fn(String) + Sync),
) -> Result<Written, StepError> {
    let wanted = work.section.words as usize;
    let mut lines = gather(work, (wanted * LOOKED_AT / 100).max(6));
    let (mut words, mut asked) = (0, 0);
    for line in &mut lines {
        if words >= wanted || asked >= QUESTIONS {
            break;
        }
        line.fate = match try_words(pen, line, work.rules, &mut asked).await? {
            Some(sentence) => {
                words += word_count(&sentence);
                Fate::Reworded(sentence)
            }
            None => Fate::LeftOut,
        };
        progress(format!("{words} of about {wanted} words in its own words"));
    }
    quote(&mut lines, words, wanted);
    Ok(compose(work, &lines))
}

/// Sentences of the section's passages that can stand in an article and say something new.
fn gather<'a>(work: &Material<'a>, most: usize) -> Vec<Line<'a>> {
    let mut said: Vec<String> = work.said.to_vec();
    let mut lines = Vec::new();
    for passage in pick(work.passages, &work.section.passages) {
        for (place, text) in usable_sentences(passage) {
            if lines.len() == most {
                return lines;
            }
            if !said.iter().any(|s| says_again(s, &text)) {
                said.push(text.clone());
                lines.push(Line { passage, place, text, fate: Fate::LeftOut });
            }
        }
    }
    lines
}

/// Quotes as many of the sentences that were not reworded as the section needs: the first first, since a passage
/// begins with what it is about.
fn quote(lines: &mut [Line<'_>], mut words: usize, wanted: usize) {
    for line in lines.iter_mut().filter(|l| l.fate == Fate::LeftOut) {
        if words >= wanted {
            break;
        }
        words += word_count(&line.text);
        line.fate = Fate::Quoted;
    }
}

/// The lines that are used, in their order: reworded ones as running text, quoted ones that follow each other as one
/// quotation.
fn compose(work: &Material<'_>, lines: &[Line<'_>]) -> Written {
    let mut section = Section { heading: work.section.heading.clone(), paragraphs: Vec::new() };
    let mut quoted = 0;
    let mut rest = lines;
    while let Some((line, after)) = rest.split_first() {
        rest = after;
        match &line.fate {
            Fate::LeftOut => {}
            Fate::Reworded(text) => {
                let sentence =
                    Sentence { text: escape(text), cites: vec![line.passage.number], form: Form::Prose };
                add(&mut section, Block::Prose, sentence);
            }
            Fate::Quoted => {
                let run = 1 + rest
                    .iter()
                    .zip(line.place + 1..)
                    .take(PER_QUOTE - 1)
                    .take_while(|(next, place)| follows(line, next, *place))
                    .count();
                let texts: Vec<&str> =
                    std::iter::once(line).chain(&rest[..run - 1]).map(|l| l.text.as_str()).collect();
                rest = &rest[run - 1..];
                quoted += run;
                let (block, text) = quotation(work, line.passage, &texts.join(" "), run, quoted);
                add(
                    &mut section,
                    block,
                    Sentence { text, cites: vec![line.passage.number], form: Form::Quotation },
                );
            }
        }
    }
    Written { section, quoted }
}

fn follows(first: &Line<'_>, next: &Line<'_>, place: usize) -> bool {
    next.fate == Fate::Quoted && next.passage.number == first.passage.number && next.place == place
}

fn add(section: &mut Section, block: Block, sentence: Sentence) {
    let open = |p: &&mut Paragraph| {
        block == Block::Prose && p.block == Block::Prose && p.sentences.len() < PER_PARAGRAPH
    };
    match section.paragraphs.last_mut().filter(open) {
        Some(paragraph) => paragraph.sentences.push(sentence),
        None => section.paragraphs.push(Paragraph { block, sentences: vec![sentence] }),
    }
}

/// A quotation, word for word, with its source named: one sentence within the text, more as a block.
fn quotation(
    work: &Material<'_>,
    passage: &Passage,
    text: &str,
    sentences: usize,
    turn: usize,
) -> (Block, String) {
    if sentences == 1 {
        return (Block::Prose, attributed(work.sources, passage, text, turn));
    }
    (Block::Quote, format!("“{}” — *{}*", escape(text), title(work.sources, passage)))
}

/// A passage's sentences that can stand in an article, with their places: whole, of readable length, and not leaning
/// on a sentence before them that was left out.
fn usable_sentences(passage: &Passage) -> Vec<(usize, String)> {
    let mut usable = Vec::new();
    let mut before_kept = false;
    for (place, span) in sentences(&passage.text).into_iter().enumerate() {
        let text = passage.text[span.start..span.end].split_whitespace().collect::<Vec<_>>().join(" ");
        let words = word_count(&text);
        let whole = text.ends_with('.') && text.starts_with(|c: char| c.is_uppercase());
        let plain = !text.contains(['|', '{', '}', '<', '>', '=', ';', ':', '"', '“', '”']);
        before_kept = whole && plain && (6..=40).contains(&words) && (!leans(&text) || before_kept);
        if before_kept {
            usable.push((place, text));
        }
    }
    usable
}

/// Whether a sentence needs the one before it to be understood.
fn leans(text: &str) -> bool {
    const WORDS: [&str; 24] = [
        "it",
        "its",
        "this",
        "that",
        "these",
        "those",
        "they",
        "their",
        "he",
        "she",
        "his",
        "her",
        "such",
        "however",
        "but",
        "and",
        "so",
        "therefore",
        "then",
        "thus",
        "also",
        "instead",
        "here",
        "both",
    ];
    let first = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
    WORDS.contains(&first.as_str())
}

/// The sentence in other words, if one of the model's answers passes every check. One that leans on the sentence
/// before it is never reworded: it would lose what it leans on.
async fn try_words(
    pen: &Pen<'_>,
    line: &Line<'_>,
    rules: &qa::Rules,
    asked: &mut u32,
) -> Result<Option<String>, StepError> {
    if leans(&line.text) {
        return Ok(None);
    }
    for parted in Parted::all(&line.text) {
        for seed in 1..=TRIES {
            *asked += 1;
            let temperature = if seed == 1 { 0.2 } else { 0.8 };
            let tokens = u32::try_from(word_count(&line.text) * 2 + 12).unwrap_or(120);
            let manner =
                Manner { temperature, seed, repeat_penalty: Some(1.05), ..Manner::new(Role::Draft, tokens) };
            let answer = pen.ask(messages(&line.text, &parted), &manner).await?;
            // Not every server goes on with a begun answer: some begin it again.
            let text = answer.text.strip_prefix(&parted.start()).unwrap_or(&answer.text);
            let read = parted.read(text, &line.text).ok();
            if let Some(sentence) = read.filter(|sentence| sound(sentence, line.passage, rules)) {
                return Ok(Some(sentence));
            }
        }
    }
    Ok(None)
}

fn messages(text: &str, parted: &Parted) -> Vec<Message> {
    const EXAMPLES: [(&str, &str); 3] = [
        (
            "The team moved the archive to a new building in the spring of 1998.",
            "In the spring of 1998, the team moved the archive to a new building.",
        ),
        (
            "A lookup does not need to read the disk because the index is kept in memory.",
            "Because the index is kept in memory, a lookup does not need to read the disk.",
        ),
        (
            "The pump stops at once when the water in the tank rises above the mark.",
            "When the water in the tank rises above the mark, the pump stops at once.",
        ),
    ];
    let mut messages = vec![Message::system(prompts::SENTENCE_SYSTEM.trim())];
    for (from, to) in EXAMPLES {
        messages.push(Message::user(format!("Sentence: {from}")));
        messages.push(Message::assistant(to));
    }
    messages.push(Message::user(format!("Sentence: {text}")));
    messages.push(Message::assistant(parted.start()));
    messages
}

/// Whether a sentence says only what the passage says, in words that are not the passage's own.
fn sound(sentence: &str, passage: &Passage, rules: &qa::Rules) -> bool {
    sentences(sentence).len() == 1
        && qa::answer_faults(sentence, "").is_empty()
        && !copies(sentence, &passage.text)
        && qa::supported(&qa::check_claim(sentence, &[passage], rules))
}
