//! The section writer: for models that can write a whole section from ranked passages.

use cofounder_domain::Passage;
use cofounder_executor::StepError;
use cofounder_metering::Role;
use cofounder_qa as qa;

use crate::{
    article::Section,
    pen::{Manner, Pen},
    prompts,
    steps::{
        bug,
        outline::{Plan, PlannedSection},
    },
    writer::pick,
};

/// How often a section is asked for before the writer gives it up.
const TRIES: u64 = 2;

/// What one section is written from.
pub(crate) struct Assignment<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) index: usize,
    pub(crate) passages: &'a [Passage],
    /// First sentences of the sections before.
    pub(crate) said: &'a [String],
    /// An editor's word on the last version, and that version.
    pub(crate) critique: Option<(&'a str, &'a str)>,
}

impl Assignment<'_> {
    pub(crate) fn section(&self) -> &PlannedSection {
        &self.plan.sections[self.index]
    }

    fn prompt(&self) -> Result<String, StepError> {
        let section = self.section();
        let headings: Vec<String> = self.plan.sections.iter().filter_map(|s| s.heading.clone()).collect();
        prompts::render(
            "section",
            minijinja::context! {
                title => self.plan.title.as_str(),
                headings => headings,
                passages => prompts::shown(&pick(self.passages, &section.passages)),
                index => self.index + 1,
                heading => section.heading.as_deref().unwrap_or(&self.plan.title),
                about => section.about.as_str(),
                words => section.words,
                said => self.said.to_vec(),
                critique => self.critique.map(|(critique, _)| critique),
                draft => self.critique.map(|(_, draft)| draft),
            },
        )
        .map_err(bug)
    }
}

/// The section in the model's words, or why none of its answers can be one.
pub(crate) async fn write(
    pen: &Pen<'_>,
    work: &Assignment<'_>,
) -> Result<Result<Section, String>, StepError> {
    let prompt = work.prompt()?;
    let tokens = (work.section().words * 3).clamp(200, 2_000);
    let mut why = String::new();
    for seed in 1..=TRIES {
        let manner = Manner { seed, ..Manner::new(Role::Draft, tokens) };
        let answer = pen.prompt(prompt.clone(), &manner).await?;
        match read(work, &answer.text, answer.cut_off(), &prompt) {
            Ok(section) => return Ok(Ok(section)),
            Err(reason) => why = reason,
        }
    }
    Ok(Err(why))
}

fn read(work: &Assignment<'_>, answer: &str, cut_off: bool, prompt: &str) -> Result<Section, String> {
    let text = qa::clean_answer(answer);
    if let Some(fault) = qa::answer_faults(&text, prompt).into_iter().next() {
        return Err(fault.to_string());
    }
    let mut section = Section::from_answer(work.section().heading.clone(), &text);
    if cut_off {
        drop_unfinished(&mut section);
    }
    drop_openers(&mut section);
    section.drop_empty();
    let floor = (work.section().words as usize / 5).min(40);
    if section.words() < floor.max(5) { Err("it has hardly any text".to_owned()) } else { Ok(section) }
}

/// An answer that ended at its token limit ends in the middle of a sentence.
fn drop_unfinished(section: &mut Section) {
    if let Some(last) = section.paragraphs.last_mut() {
        let open = last
            .sentences
            .last()
            .is_some_and(|s| !s.text.trim_end().ends_with(['.', '!', '?', '”', '"', ')']));
        if open {
            last.sentences.pop();
        }
    }
}

/// A first line such as "Here is the section:" is talk, not text.
fn drop_openers(section: &mut Section) {
    if let Some(first) = section.paragraphs.first_mut() {
        let talk =
            first.sentences.first().is_some_and(|s| s.cites.is_empty() && s.text.trim_end().ends_with(':'));
        if talk {
            first.sentences.remove(0);
        }
    }
}
