//! What a model is able to, measured: it is asked for a cited paragraph twice, and the answers are checked
//! as an article's would be.

use cofounder_domain::{Passage, SourceId, StepPath};
use cofounder_metering::{Call, CallError, ChatRequest, Message, Meter, Role};
use cofounder_qa as qa;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{
    article::Section,
    prompts,
    writer::{Strategy, copies, pick},
};

/// Changes when the probe's questions or its measure do: a model measured by another version is measured anew.
pub const PROBE_VERSION: u32 = 1;

/// What the probe measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// How articles are to be written with this model.
    pub strategy: Strategy,
    /// Sentences that it wrote.
    pub sentences: usize,
    /// Those of them that cite a passage which supports them, in words of their own.
    pub supported: usize,
}

const TOPICS: [(&str, [&str; 3]); 2] = [
    (
        "the harbour bridge",
        [
            "The harbour bridge was opened in 1932 after eight years of work.",
            "Its steel arch spans 503 metres and carries eight lanes of road and two railway tracks.",
            "The paint on the arch is renewed all year round by a crew of 100 people.",
        ],
    ),
    (
        "the city library",
        [
            "The city library lends books, maps and musical instruments to anyone with a card.",
            "A card costs nothing for people under 18 and 20 euros a year for everybody else.",
            "In 2019 the library moved into a former tram depot beside the river.",
        ],
    ),
];

/// Asks `model` (a pinned `provider/model` or a local model's name) and measures its answers. A model is given
/// whole sections if it wrote at least four sentences and three of four are cited and supported.
///
/// # Errors
/// [`CallError`] if the model cannot be reached.
pub async fn probe(meter: &Meter, model: &str, cancel: &CancellationToken) -> Result<Probe, CallError> {
    let (mut sentences, mut supported) = (0, 0);
    for (index, (topic, lines)) in TOPICS.iter().enumerate() {
        let passages = passages(lines);
        let shown: Vec<&Passage> = passages.iter().collect();
        let values = minijinja::context! { topic => *topic, passages => prompts::shown(&shown) };
        let prompt = prompts::render("probe", values).map_err(CallError::bug)?;
        let request = ChatRequest {
            messages: vec![Message::system(prompts::SYSTEM.trim()), Message::user(prompt.clone())],
            max_tokens: Some(160),
            temperature: Some(0.2),
            seed: Some(1),
            repeat_penalty: Some(1.1),
            ..ChatRequest::default()
        };
        let step = StepPath::new("probe");
        let ordinal = u32::try_from(index).unwrap_or(0);
        let call = Call {
            run: None,
            step: &step,
            ordinal,
            role: Role::Draft,
            pin: Some(model),
            request,
            cancel: cancel.clone(),
            deadline: None,
        };
        let answer = meter.chat(call).await?;
        let text = qa::clean_answer(&answer.text);
        let section = Section::from_answer(None, &text);
        let rules = qa::Rules { allowed_names: vec![(*topic).to_owned()], ..qa::Rules::default() };
        let whole = qa::answer_faults(&text, &prompt).is_empty();
        for sentence in section.sentences() {
            let cited = pick(&passages, &sentence.cites);
            let claim = qa::plain(&sentence.text);
            sentences += 1;
            let own = !cited.iter().any(|p| copies(&claim, &p.text));
            supported += usize::from(whole && own && qa::supported(&qa::check_claim(&claim, &cited, &rules)));
        }
    }
    let able = sentences >= 4 && supported * 4 >= sentences * 3;
    Ok(Probe { strategy: if able { Strategy::Sections } else { Strategy::Sentences }, sentences, supported })
}

fn passages(lines: &[&str]) -> Vec<Passage> {
    let passage = |(index, text): (usize, &&str)| Passage {
        number: u32::try_from(index + 1).unwrap_or(1),
        source: SourceId::from_text("probe"),
        start: 0,
        end: text.len(),
        text: (*text).to_owned(),
        headings: Vec::new(),
    };
    lines.iter().enumerate().map(passage).collect()
}
