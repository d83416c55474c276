//! The sentence writer: for models as small as the embedded default.
//!
//! It walks through the section's passages sentence by sentence. The model puts each into its own words, and
//! an answer is taken only if every check of facts passes and it is no copy. A sentence that no answer passes
//! for is kept back, and quoted with its source where the section would else be too short.

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
    writer::{copies, pick},
};

/// How often the model may try one sentence.
const TRIES: u64 = 2;
/// Sentences a paragraph has at most.
const PER_PARAGRAPH: usize = 4;
/// Two sentences at least this alike say the same.
pub(crate) const ALIKE: f32 = 0.6;
/// Below this share of its words a section takes quotations.
const QUOTE_BELOW: f32 = 0.6;

/// What one section is written from.
pub(crate) struct Material<'a> {
    pub(crate) section: &'a PlannedSection,
    pub(crate) passages: &'a [Passage],
    pub(crate) sources: &'a [Source],
    pub(crate) rules: &'a qa::Rules,
    /// Sentences of the sections before.
    pub(crate) said: &'a [String],
}

/// A written section and how much of it had to be quoted.
pub(crate) struct Written {
    pub(crate) section: Section,
    pub(crate) quoted: usize,
}

enum Slot {
    Prose(Sentence),
    Kept { passage: u32, text: String },
}

/// Writes one section.
pub(crate) async fn write(pen: &Pen<'_>, work: &Material<'_>, progress: &(dyn Fn(String) + Sync)) -> Result<Written, StepError> {
    let wanted = work.section.words as usize;
    let mut slots: Vec<(u32, Slot)> = Vec::new();
    let mut said: Vec<String> = work.said.to_vec();
    let mut words = 0;
    for passage in pick(work.passages, &work.section.passages) {
        if words >= wanted {
            break;
        }
        for text in usable_sentences(passage) {
            if words >= wanted || said.iter().any(|s| qa::similar(s, &text) >= ALIKE) {
                continue;
            }
            said.push(text.clone());
            match rephrase(pen, &text, passage, work.rules, &said).await? {
                Some(prose) => {
                    words += word_count(&prose);
                    said.push(prose.clone());
                    let sentence = Sentence { text: escape(&prose), cites: vec![passage.number], form: Form::Prose };
                    slots.push((passage.number, Slot::Prose(sentence)));
                }
                None => slots.push((passage.number, Slot::Kept { passage: passage.number, text })),
            }
            progress(format!("{words} of about {wanted} words"));
        }
    }
    Ok(assemble(work, slots, words))
}

/// Quotes as many of the kept sentences as the section needs, in their places.
fn assemble(work: &Material<'_>, slots: Vec<(u32, Slot)>, mut words: usize) -> Written {
    let floor = (f64::from(work.section.words) * f64::from(QUOTE_BELOW)) as usize;
    let mut quoted = 0;
    let mut lines: Vec<(u32, Sentence)> = Vec::new();
    for (number, slot) in slots {
        match slot {
            Slot::Prose(sentence) => lines.push((number, sentence)),
            Slot::Kept { passage, text } if words < floor => {
                words += word_count(&text);
                quoted += 1;
                lines.push((number, quotation(work, passage, &text, quoted)));
            }
            Slot::Kept { .. } => {}
        }
    }
    let mut section = Section { heading: work.section.heading.clone(), paragraphs: Vec::new() };
    for (_, sentence) in lines {
        match section.paragraphs.last_mut().filter(|p| p.sentences.len() < PER_PARAGRAPH) {
            Some(paragraph) => paragraph.sentences.push(sentence),
            None => section.paragraphs.push(Paragraph { block: Block::Prose, sentences: vec![sentence] }),
        }
    }
    Written { section, quoted }
}

/// An attributed quotation, word for word.
fn quotation(work: &Material<'_>, passage: u32, text: &str, turn: usize) -> Sentence {
    let source = pick(work.passages, &[passage]).first().and_then(|p| work.sources.iter().find(|s| s.id == p.source));
    let title = source.map_or("the source", |s| s.title.as_str());
    let title = escape(title);
    let quote = escape(&text.split_whitespace().collect::<Vec<_>>().join(" ").replace(['“', '”', '"'], "'"));
    let text = match turn % 4 {
        1 => format!("*{title}* puts it this way: “{quote}”"),
        2 => format!("In the words of *{title}*: “{quote}”"),
        3 => format!("*{title}* says: “{quote}”"),
        _ => format!("*{title}* notes: “{quote}”"),
    };
    Sentence { text, cites: vec![passage], form: Form::Quotation }
}

/// A passage's sentences that can stand in an article: whole, of readable length, and not leaning on a
/// sentence before them that was left out.
fn usable_sentences(passage: &Passage) -> Vec<String> {
    let mut usable = Vec::new();
    let mut before_kept = false;
    for span in sentences(&passage.text) {
        let text = passage.text[span.start..span.end].split_whitespace().collect::<Vec<_>>().join(" ");
        let words = word_count(&text);
        let whole = text.ends_with('.') && text.starts_with(|c: char| c.is_uppercase());
        let plain = !text.contains(['|', '{', '}', '<', '>', '=', ';', ':', '"', '“']);
        let leans = leans(&text);
        before_kept = whole && plain && (6..=40).contains(&words) && (!leans || before_kept);
        if before_kept {
            usable.push(text);
        }
    }
    usable
}

/// Whether a sentence needs the one before it to be understood.
fn leans(text: &str) -> bool {
    const WORDS: [&str; 24] = [
        "it", "its", "this", "that", "these", "those", "they", "their", "he", "she", "his", "her", "such", "however",
        "but", "and", "so", "therefore", "then", "thus", "also", "instead", "here", "both",
    ];
    let first = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
    WORDS.contains(&first.as_str())
}

/// The sentence in the model's own words, if one of its answers passes every check.
async fn rephrase(
    pen: &Pen<'_>,
    text: &str,
    passage: &Passage,
    rules: &qa::Rules,
    said: &[String],
) -> Result<Option<String>, StepError> {
    for seed in 1..=TRIES {
        let temperature = if seed == 1 { 0.2 } else { 0.7 };
        let tokens = u32::try_from(word_count(text) * 3 + 16).unwrap_or(160);
        let manner = Manner { temperature, seed, ..Manner::new(Role::Draft, tokens) };
        let answer = pen.ask(messages(text), &manner).await?;
        let prose = qa::clean_answer(&answer.text);
        if !answer.cut_off() && faithful(&prose, text, passage, rules, said) {
            return Ok(Some(prose));
        }
    }
    Ok(None)
}

fn messages(text: &str) -> Vec<Message> {
    const EXAMPLES: [(&str, &str); 2] = [
        (
            "The library was written in 1998 by Anna Berg, and it runs on every common operating system.",
            "Anna Berg wrote the library in 1998, and all common operating systems can run it.",
        ),
        (
            "Because the index is kept in memory, a lookup does not need to read the disk.",
            "A lookup does not have to touch the disk, since the index stays in memory.",
        ),
    ];
    let mut messages = vec![Message::system(prompts::SENTENCE_SYSTEM.trim())];
    for (from, to) in EXAMPLES {
        messages.push(Message::user(format!("Sentence: {from}")));
        messages.push(Message::assistant(to));
    }
    messages.push(Message::user(format!("Sentence: {text}")));
    messages
}

/// Whether an answer is one whole sentence that says what the source sentence says, and no copy of it.
fn faithful(prose: &str, text: &str, passage: &Passage, rules: &qa::Rules, said: &[String]) -> bool {
    let (had, has) = (word_count(text), word_count(prose));
    let one = sentences(prose).len() == 1 && prose.ends_with('.');
    let length = has >= 5 && has * 2 >= had && has <= had * 2;
    one && length
        && qa::answer_faults(prose, "").is_empty()
        && !copies(prose, &passage.text)
        && qa::supported(&qa::check_claim(prose, &[passage], rules))
        && !said.iter().any(|s| s != text && qa::similar(s, prose) >= ALIKE)
}
